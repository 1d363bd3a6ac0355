//! The database's URL, `sslmode` and `sslrootcert` as libpq has them.

use std::path::PathBuf;

use tokio_postgres::config::SslMode;

/// What is checked of the server's certificate, as libpq does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// `disable`.
    Off,
    /// `allow`, `prefer`, `require`: encrypted (for `require` always), nothing verified.
    Unverified,
    /// `verify-ca`: signed by a trusted authority, whatever its name.
    Authority,
    /// `verify-full`: and made out to the host in the URL.
    Full,
}

/// Where PostgreSQL is. Its Debug shows no password.
#[derive(Debug, Clone)]
pub struct DatabaseUrl {
    pub postgres: tokio_postgres::Config,
    pub tls: TlsMode,
    /// PEM of the authorities to trust; none: the machine's.
    pub root_cert: Option<PathBuf>,
}

impl DatabaseUrl {
    /// Parses `postgres://…`; the error never repeats the URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "is not a URL such as postgres://user:password@host/database".to_owned();
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(wrong());
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut root_cert, mut rest) = ("prefer", None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", "system")) => root_cert = None,
                Some(("sslrootcert", value)) => root_cert = Some(decoded(value)?),
                _ => rest.push(pair),
            }
        }
        let (ssl, tls) = ssl_mode(mode)?;
        let plain = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut postgres: tokio_postgres::Config = plain.parse().map_err(|_| wrong())?;
        if postgres.get_hosts().is_empty() {
            return Err(wrong());
        }
        postgres.ssl_mode(ssl);
        Ok(DatabaseUrl { postgres, tls, root_cert })
    }
}

fn decoded(value: &str) -> Result<PathBuf, String> {
    let text =
        percent_encoding::percent_decode_str(value).decode_utf8().map_err(|_| "has a sslrootcert that is no UTF-8")?;
    Ok(PathBuf::from(text.into_owned()))
}

fn ssl_mode(text: &str) -> Result<(SslMode, TlsMode), String> {
    match text {
        "disable" => Ok((SslMode::Disable, TlsMode::Off)),
        "allow" | "prefer" => Ok((SslMode::Prefer, TlsMode::Unverified)),
        "require" => Ok((SslMode::Require, TlsMode::Unverified)),
        "verify-ca" => Ok((SslMode::Require, TlsMode::Authority)),
        "verify-full" => Ok((SslMode::Require, TlsMode::Full)),
        _ => Err("has a sslmode that is none of disable allow prefer require verify-ca verify-full".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn each_sslmode() {
        let parse = |mode: &str| DatabaseUrl::parse(&format!("postgres://u:p@h/d?sslmode={mode}&connect_timeout=2"));
        for (text, ssl, tls) in [
            ("disable", SslMode::Disable, TlsMode::Off),
            ("prefer", SslMode::Prefer, TlsMode::Unverified),
            ("require", SslMode::Require, TlsMode::Unverified),
            ("verify-ca", SslMode::Require, TlsMode::Authority),
            ("verify-full", SslMode::Require, TlsMode::Full),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.postgres.get_ssl_mode(), url.tls), (ssl, tls), "{text}");
        }
        assert!(parse("maybe").is_err());
    }

    #[test]
    fn debug_and_errors_show_no_password() {
        let url = DatabaseUrl::parse("postgres://u:hunter2@h/d").unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
        for bad in ["hunter2", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:x/d", "postgres://h/d?hunter2=1"] {
            assert!(!DatabaseUrl::parse(bad).unwrap_err().contains("hunter2"), "{bad}");
        }
    }
}
