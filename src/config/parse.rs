//! Texts of variables to values. Messages never repeat a secret.

use std::net::SocketAddr;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use url::Url;
use zeroize::Zeroizing;

use super::ConfigError;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A number within bounds.
pub fn number<T: FromStr + PartialOrd + std::fmt::Display>(
    name: &'static str,
    text: &str,
    least: T,
    most: T,
) -> Result<T, ConfigError> {
    match text.trim().parse::<T>() {
        Ok(value) if value >= least && value <= most => Ok(value),
        _ => Err(ConfigError::new(name, format!("is not a number from {least} to {most}"))),
    }
}

/// `IP:PORT`, or `localhost:PORT`.
pub fn address(name: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
    let text = text.trim();
    let text = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().map_err(|_| ConfigError::new(name, "is not an address such as 127.0.0.1:8080"))
}

/// An http or https URL with a host, without query, fragment or user; no slash at its end.
pub fn base_url(name: &'static str, text: &str) -> Result<String, ConfigError> {
    let wrong = || ConfigError::new(name, "is not a URL such as https://example.com");
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if plain { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(wrong()) }
}

/// Parts between commas, blanks around them cut, empty ones left out.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// `https://host[:port]`, as browsers send it in `Origin`.
pub fn origin(name: &'static str, text: &str) -> Result<String, ConfigError> {
    let wrong = || ConfigError::new(name, "has something that is no origin such as https://app.example.com (no path)");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let after_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
    let bare = !after_scheme.contains(['/', '?', '#', '@', '*', '\\']);
    if matches!(url.scheme(), "http" | "https") && url.has_host() && bare {
        Ok(url.origin().ascii_serialization())
    } else {
        Err(wrong())
    }
}

/// 32 bytes in base64.
pub fn key(name: &'static str, text: &str) -> Result<Zeroizing<[u8; 32]>, ConfigError> {
    let bytes = Zeroizing::new(BASE64.decode(text).unwrap_or_default());
    let bytes: [u8; 32] =
        bytes.as_slice().try_into().map_err(|_| ConfigError::new(name, "has a key that is not base64 of 32 bytes"))?;
    Ok(Zeroizing::new(bytes))
}

/// `whsec_` and base64: the bytes that notifications are signed with.
pub fn webhook_secret(name: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let bytes = text.strip_prefix("whsec_").and_then(|rest| BASE64.decode(rest).ok()).filter(|bytes| !bytes.is_empty());
    bytes.map(Zeroizing::new).ok_or_else(|| ConfigError::new(name, "is not whsec_ followed by base64"))
}
