//! Tickets, states, cookies, verifiers and session tokens: 256 bits each, shown once, kept as hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::failure::Failure;
use crate::model::{Code, Problem};
use crate::vault;

/// 43 characters of `A-Z a-z 0-9 - _`, fit for URLs, cookies and as a PKCE verifier.
pub fn fresh() -> Result<Zeroizing<String>, Failure> {
    let token = vault::random_token();
    Ok(token.map_err(|_| Problem::new(Code::Internal, "the operating system gives no randomness"))?.into())
}

/// What rows keep of a secret that is 256 bits of randomness.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The S256 code challenge of a PKCE verifier (RFC 7636).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(hash(verifier))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_challenge_is_rfc_7636s() {
        // Appendix B of the RFC.
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn secrets_are_long_and_different() {
        let (one, two) = (fresh().unwrap(), fresh().unwrap());
        assert_eq!(one.len(), 43);
        assert_ne!(one, two);
    }
}
