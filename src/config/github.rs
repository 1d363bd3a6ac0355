//! GitHub's addresses and the App's credentials: all six of them or none.

use jsonwebtoken::EncodingKey;

use super::vars::Source;
use super::{ConfigError, Secret, parse};

#[derive(Debug, Clone)]
pub struct GithubConfig {
    /// Without a slash at its end.
    pub api_url: String,
    pub graphql_url: String,
    pub web_url: String,
    /// None: from the database, once `/setup` has made the App.
    pub app: Option<GithubAppConfig>,
}

#[derive(Debug, Clone)]
pub struct GithubAppConfig {
    pub app_id: i64,
    pub slug: String,
    /// PEM of an RSA key, checked.
    pub private_key: Secret,
    pub client_id: String,
    pub client_secret: Secret,
    pub webhook_secret: Secret,
}

const APP: [&str; 6] = [
    "GITHUB_APP_ID",
    "GITHUB_APP_SLUG",
    "GITHUB_APP_PRIVATE_KEY",
    "GITHUB_CLIENT_ID",
    "GITHUB_CLIENT_SECRET",
    "GITHUB_WEBHOOK_SECRET",
];

pub(super) fn load(source: &Source<'_>) -> Result<GithubConfig, ConfigError> {
    let api_url = parse::base_url("GITHUB_API_URL", &source.required("GITHUB_API_URL")?)?;
    let web_url = parse::base_url("GITHUB_WEB_URL", &source.required("GITHUB_WEB_URL")?)?;
    Ok(GithubConfig { graphql_url: graphql_url(&api_url), api_url, web_url, app: app(source)? })
}

/// An Enterprise Server has GraphQL beside `/api/v3`, everything else below its base.
fn graphql_url(api_url: &str) -> String {
    match api_url.strip_suffix("/api/v3") {
        Some(host) => format!("{host}/api/graphql"),
        None => format!("{api_url}/graphql"),
    }
}

fn app(source: &Source<'_>) -> Result<Option<GithubAppConfig>, ConfigError> {
    let values = APP.iter().map(|name| source.get(name)).collect::<Result<Vec<_>, _>>()?;
    let missing: Vec<String> = APP
        .iter()
        .zip(&values)
        .filter(|(_, value)| value.is_none())
        .map(|(name, _)| format!("LOCKSTEP_{name}"))
        .collect();
    if missing.len() == APP.len() {
        return Ok(None);
    }
    if !missing.is_empty() {
        let message = "missing: the GitHub App's variables are set all or none".to_owned();
        return Err(ConfigError { variable: missing.join(" "), message });
    }
    let mut values = values.into_iter().flatten();
    let mut next = || values.next().unwrap_or_default();
    Ok(Some(GithubAppConfig {
        app_id: parse::number(APP[0], &next(), 1, i64::MAX)?,
        slug: slug(next())?,
        private_key: private_key(&next())?,
        client_id: next(),
        client_secret: Secret::new(next()),
        webhook_secret: Secret::new(next()),
    }))
}

fn slug(text: String) -> Result<String, ConfigError> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if plain { Ok(text) } else { Err(ConfigError::new(APP[1], "is not the name in the App's URL, such as my-app")) }
}

/// Some ways of setting variables keep the line ends of a PEM as the two characters `\n`.
fn private_key(text: &str) -> Result<Secret, ConfigError> {
    let pem = text.replace("\\n", "\n");
    match EncodingKey::from_rsa_pem(pem.as_bytes()) {
        Ok(_) => Ok(Secret::new(pem)),
        Err(_) => Err(ConfigError::new(APP[2], "is not a private RSA key in PEM")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphql_of_each_kind_of_base() {
        assert_eq!(graphql_url("https://api.github.com"), "https://api.github.com/graphql");
        assert_eq!(graphql_url("https://ghe.example/api/v3"), "https://ghe.example/api/graphql");
        assert_eq!(graphql_url("http://127.0.0.1:9/api"), "http://127.0.0.1:9/api/graphql");
    }
}
