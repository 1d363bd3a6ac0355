//! PostgreSQL and Redis: reachable, ours to use, and set up to keep what they are given.

use super::{Engine, Verdict};
use crate::queue::RedisFacts;
use crate::store::checkup::DatabaseFacts;

/// The oldest PostgreSQL with everything the schema uses: `COMPRESSION lz4`.
const OLDEST_POSTGRES: i32 = 140_000;
/// The oldest Redis with everything the queue uses: `XAUTOCLAIM`.
const OLDEST_REDIS: (u32, u32) = (6, 2);

impl Engine {
    pub(super) async fn examine_postgres(&self) -> Verdict {
        match self.store.facts().await {
            Ok(facts) => about_database(&facts),
            Err(error) => unreachable_database(&error.to_string()),
        }
    }

    pub(super) async fn examine_redis(&self) -> Verdict {
        match self.queue.facts().await {
            Ok(facts) => about_redis(&facts),
            Err(error) => unreachable_redis(&error.to_string()),
        }
    }
}

fn about_database(facts: &DatabaseFacts) -> Verdict {
    let version = facts.version / 10_000;
    if facts.version < OLDEST_POSTGRES {
        return Verdict::fail(format!("PostgreSQL {version} is too old"), "upgrade it to 14 or later");
    }
    if facts.read_only {
        return Verdict::fail("the server is read only", "point LOCKSTEP_DATABASE_URL at the primary");
    }
    if facts.unknown > 0 {
        return Verdict::fail("the schema is of a later version of Lockstep", "run that version, or a later one");
    }
    if facts.missing > 0 && !facts.may_create {
        return Verdict::fail(
            "the role may not create tables",
            "GRANT CREATE ON SCHEMA public TO it, or run `lockstep migrate` as the owner",
        );
    }
    if !facts.may_write {
        return Verdict::fail("the role may not write the tables", "GRANT it SELECT, INSERT, UPDATE, DELETE on them");
    }
    match facts.missing {
        0 => Verdict::Ok(format!("PostgreSQL {version}, the schema is up to date")),
        missing => Verdict::Ok(format!("PostgreSQL {version}, {missing} migrations to come: serve applies them")),
    }
}

/// The driver's words to what an operator does next.
fn unreachable_database(text: &str) -> Verdict {
    let mend = if text.contains("password authentication failed") || text.contains("password missing") {
        "check user and password in LOCKSTEP_DATABASE_URL"
    } else if text.contains("database \"") && text.contains("does not exist") {
        "create the database, or correct its name in LOCKSTEP_DATABASE_URL"
    } else if text.contains("role \"") && text.contains("does not exist") {
        "create the role, or correct it in LOCKSTEP_DATABASE_URL"
    } else if text.contains("pg_hba.conf") {
        "allow this machine and user in pg_hba.conf, or change sslmode in LOCKSTEP_DATABASE_URL"
    } else if text.contains("TLS") || text.contains("tls") || text.contains("certificate") {
        "change sslmode in LOCKSTEP_DATABASE_URL, or give the server's authority as sslrootcert"
    } else if text.contains("too many clients") || text.contains("remaining connection slots") {
        "raise max_connections, or put fewer programs on this server"
    } else if text.contains("permission denied") {
        "GRANT the role what is named"
    } else {
        "check host and port in LOCKSTEP_DATABASE_URL, and that PostgreSQL runs"
    };
    Verdict::fail(text, mend)
}

fn about_redis(facts: &RedisFacts) -> Verdict {
    let mut numbers = facts.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < OLDEST_REDIS {
        return Verdict::fail(
            format!("Redis {} is too old", facts.version),
            "upgrade it to 6.2 or later, or use Valkey",
        );
    }
    if !facts.primary {
        return Verdict::fail("the server is a replica", "point LOCKSTEP_REDIS_URL at the primary");
    }
    if let Some(policy) = facts.policy.as_deref().filter(|policy| *policy != "noeviction") {
        return Verdict::fail(format!("Redis evicts keys ({policy})"), "set maxmemory-policy noeviction");
    }
    if facts.keeps == Some(false) {
        return Verdict::fail(
            "Redis keeps nothing over a restart",
            "set appendonly yes: webhooks that wait are lost otherwise",
        );
    }
    Verdict::Ok(format!("version {}, noeviction", facts.version))
}

fn unreachable_redis(text: &str) -> Verdict {
    let mend = if text.contains("NOAUTH") || text.contains("WRONGPASS") || text.contains("AuthenticationFailed") {
        "check user and password in LOCKSTEP_REDIS_URL"
    } else if text.contains("NOPERM") {
        "let the user run the commands of streams, sorted sets and scripts on the keys with LOCKSTEP_REDIS_PREFIX"
    } else if text.contains("OOM") {
        "give Redis more memory: it takes no writes any more"
    } else if text.contains("MISCONF") {
        "look into Redis' log: it cannot write to its disk"
    } else {
        "check host, port and scheme (rediss:// for TLS) in LOCKSTEP_REDIS_URL, and that Redis runs"
    };
    Verdict::fail(text, mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mend(verdict: Verdict) -> String {
        match verdict {
            Verdict::Ok(text) => format!("ok {text}"),
            Verdict::Fail { mend, .. } => mend,
        }
    }

    #[test]
    fn each_trouble_of_postgresql_has_its_mend() {
        let good = DatabaseFacts {
            version: 150_004,
            read_only: false,
            may_create: true,
            may_write: true,
            missing: 0,
            unknown: 0,
        };
        assert!(mend(about_database(&good)).starts_with("ok"));
        for (facts, expected) in [
            (DatabaseFacts { version: 130_000, ..good.clone() }, "upgrade"),
            (DatabaseFacts { read_only: true, ..good.clone() }, "primary"),
            (DatabaseFacts { unknown: 1, ..good.clone() }, "later"),
            (DatabaseFacts { missing: 2, may_create: false, ..good.clone() }, "GRANT CREATE"),
            (DatabaseFacts { may_write: false, ..good.clone() }, "INSERT"),
        ] {
            assert!(mend(about_database(&facts)).contains(expected), "{facts:?}");
        }
        for (text, expected) in [
            ("FATAL: password authentication failed for user \"u\"", "password"),
            ("FATAL: database \"d\" does not exist", "create the database"),
            ("FATAL: role \"r\" does not exist", "create the role"),
            ("no pg_hba.conf entry for host", "pg_hba"),
            ("invalid peer certificate: UnknownIssuer", "sslrootcert"),
            ("Connection refused", "host and port"),
        ] {
            assert!(mend(unreachable_database(text)).contains(expected), "{text}");
        }
    }

    #[test]
    fn each_trouble_of_redis_has_its_mend() {
        let good = RedisFacts {
            version: "7.0.15".to_owned(),
            max_memory: 0,
            policy: Some("noeviction".to_owned()),
            keeps: Some(true),
            primary: true,
        };
        assert!(mend(about_redis(&good)).starts_with("ok"));
        for (facts, expected) in [
            (RedisFacts { version: "5.0.1".to_owned(), ..good.clone() }, "upgrade"),
            (RedisFacts { primary: false, ..good.clone() }, "primary"),
            (RedisFacts { policy: Some("allkeys-lru".to_owned()), ..good.clone() }, "noeviction"),
            (RedisFacts { keeps: Some(false), ..good.clone() }, "appendonly"),
        ] {
            assert!(mend(about_redis(&facts)).contains(expected), "{facts:?}");
        }
        for (text, expected) in
            [("NOAUTH Authentication required", "password"), ("OOM command", "memory"), ("refused", "host")]
        {
            assert!(mend(unreachable_redis(text)).contains(expected), "{text}");
        }
    }
}
