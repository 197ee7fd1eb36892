package postgres

// versionTable holds the version of the schema; SQLite has user_version instead.
const versionTable = ownPrefix + "schema"

// ownPrefix begins the names of the tables besides the seven of the models.
const ownPrefix = "tier2_"
