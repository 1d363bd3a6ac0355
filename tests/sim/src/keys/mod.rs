//! Two RSA key pairs, made for tests and published here: worth nothing anywhere else.

/// Private and public key (PEM) of the App every simulator starts with.
pub(crate) fn app() -> (String, String) {
    pair(include_str!("app.pem"), include_str!("app.pub.pem"))
}

/// Another pair: for Apps made from manifests, and for tests that sign with a wrong key.
pub(crate) fn other() -> (String, String) {
    pair(include_str!("other.pem"), include_str!("other.pub.pem"))
}

fn pair(private: &str, public: &str) -> (String, String) {
    (private.to_owned(), public.to_owned())
}
