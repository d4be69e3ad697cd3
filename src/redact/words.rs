//! The words in a name that make its value a secret. `names` looks them up; docs/redaction.md is generated from them.

/// Words that make the value a secret.
pub const SECRET: &[&str] = &[
    "auth",
    "bearer",
    "credential",
    "credentials",
    "creds",
    "cvc",
    "cvv",
    "jwt",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "pwd",
    "secret",
    "secrets",
    "ssn",
    "token",
    "tokens",
];

/// Words that make the value a secret. A scheme may precede the secret: `Authorization: Basic …`.
pub const HEADER: &[&str] = &["authorization"];

/// Words that make the value a secret. The value extends to the end of the line.
pub const LINE: &[&str] = &["cookie", "cookies"];

/// Words that make a long value a secret: a signature is one, `signed=yes` is not.
pub const LONG: &[&str] = &["authentication", "sig", "sign", "signature", "signed"];

/// Words that make a numeric value harmless: `token_count=12`.
pub const NUMBER: &[&str] = &[
    "age",
    "bytes",
    "count",
    "counts",
    "expiration",
    "expires",
    "expiry",
    "index",
    "left",
    "len",
    "length",
    "limit",
    "max",
    "min",
    "pass",
    "rate",
    "ratio",
    "remaining",
    "seconds",
    "size",
    "total",
    "ttl",
    "used",
    "version",
];

/// Directly before `key` or `keys`, such a word makes a secret of it: `api_key`.
pub const BEFORE_KEY: &[&str] = &[
    "access",
    "account",
    "activation",
    "admin",
    "api",
    "app",
    "application",
    "client",
    "consumer",
    "deploy",
    "developer",
    "ingest",
    "ingestion",
    "instrumentation",
    "integration",
    "licence",
    "license",
    "master",
    "recovery",
    "registration",
    "root",
    "security",
    "server",
    "service",
    "session",
    "shared",
    "subscription",
    "webhook",
];

/// Anywhere in a name that has the word `key` or `keys`, such a word makes a secret of it: `private.rsa.key`.
pub const WITH_KEY: &[&str] = &[
    "aes",
    "cert",
    "certificate",
    "cipher",
    "crypto",
    "decrypt",
    "decryption",
    "des",
    "dsa",
    "ecdsa",
    "ed",
    "encrypt",
    "encryption",
    "gpg",
    "hmac",
    "kms",
    "pem",
    "pgp",
    "private",
    "psk",
    "rsa",
    "sign",
    "signature",
    "signing",
    "ssh",
    "ssl",
    "tls",
    "vault",
    "wrapping",
];

/// In a sentence, the key after such a word is no secret: `cache key 0123…`.
pub const OF_DATA: &[&str] = &[
    "cache",
    "foreign",
    "hash",
    "index",
    "lookup",
    "message",
    "object",
    "partition",
    "primary",
    "public",
    "range",
    "redis",
    "routing",
    "row",
    "shard",
    "sort",
];

/// A word without gaps that ends like this is the name of a secret: `dbpassword`, `PHPSESSID`. For words that end in
/// `key`, see [`GLUED_TO_KEY`].
pub const ENDINGS: &[&str] = &[
    "basicauth",
    "credentials",
    "httpauth",
    "jsessionid",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "sessid",
    "token",
    "xauth",
];

/// What precedes `key` or `keys` in such a word: `apikey`, `sshkeys`.
pub const GLUED_TO_KEY: &[&str] = &[
    "access",
    "account",
    "api",
    "app",
    "application",
    "auth",
    "client",
    "crypto",
    "decryption",
    "encrypt",
    "encryption",
    "hmac",
    "licence",
    "license",
    "master",
    "private",
    "rsa",
    "secret",
    "session",
    "shared",
    "signing",
    "ssh",
    "subscription",
];

/// Endings of the names of tags that hold a query string, without regard to gaps: `http.query_string`, `queryString`.
pub const QUERY_ENDINGS: &[&str] = &["httpquery", "querystring", "urlquery"];

/// Common names, and whether the value of a tag with this name is removed. The documentation shows them.
#[cfg(any(test, feature = "cli"))]
pub const EXAMPLES: &[(&str, bool)] = &[
    ("api_key", true),
    ("apiKey", true),
    ("apikey", true),
    ("api.keys", true),
    ("DD_API_KEY", true),
    ("x-api-key", true),
    ("dd-application-key", true),
    ("secret_key", true),
    ("aws.secret-access-key", true),
    ("AWS_ACCESS_KEY_ID", true),
    ("private_key", true),
    ("sshPrivateKey", true),
    ("encryption key", true),
    ("encryptionKey", true),
    ("signing_key", true),
    ("session_key", true),
    ("license.key", true),
    ("db.password", true),
    ("authToken", true),
    ("http.request.headers.cookie", true),
    ("http.request.headers.authorization", true),
    ("http.query.string", true),
    ("key", false),
    ("keys", false),
    ("cache.key", false),
    ("cacheKey", false),
    ("sort_key", false),
    ("partition_key", false),
    ("primary-key", false),
    ("foreign_key", false),
    ("routing_key", false),
    ("idempotency_key", false),
    ("messaging.kafka.message.key", false),
    ("feature_flag.key", false),
    ("redis.keys", false),
    ("s3.object.key", false),
    ("public_key", false),
    ("key_count", false),
    ("keyspace", false),
    ("author", false),
    ("token_count", false),
];
