"""One test account: where its objects are kept, its clock, its settings and its journal."""
