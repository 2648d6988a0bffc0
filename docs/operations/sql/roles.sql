-- The database and its two roles, once, as a superuser. The passwords are psql's variables:
--   psql --set ON_ERROR_STOP=1 --set owner_password=… --set server_password=… --file roles.sql
CREATE ROLE paygraph_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE paygraph_server LOGIN PASSWORD :'server_password';
CREATE DATABASE paygraph OWNER paygraph_owner;
REVOKE CONNECT, TEMPORARY ON DATABASE paygraph FROM PUBLIC;
GRANT CONNECT ON DATABASE paygraph TO paygraph_server;
