//! Random text for tokens, secrets and codes.

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    if getrandom::fill(&mut bytes).is_err() {
        let half = uuid::Uuid::new_v4();
        let fallback = half.as_bytes().iter().cycle();
        bytes = fallback.take(count).copied().collect();
    }
    bytes
}

/// So many letters and digits.
pub(crate) fn letters(count: usize) -> String {
    let pick = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    bytes(count).into_iter().map(pick).collect()
}

/// So many hexadecimal digits.
pub(crate) fn hex(count: usize) -> String {
    let mut text = hex::encode(bytes(count.div_ceil(2)));
    text.truncate(count);
    text
}
