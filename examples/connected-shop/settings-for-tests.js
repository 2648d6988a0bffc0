// What the tests' modules read when they are loaded: no server and no database is called.
process.env.PAYGRAPH_KEY = "pgk_not_used"
process.env.DATABASE_URL = "postgresql://not-used"
process.env.PAYGRAPH_WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
