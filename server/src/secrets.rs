//! Secrets: how they are made and in what form they are stored (never in plain text).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use rand::{TryRngCore as _, rngs::OsRng};
use sha2::Sha256;

/// Every token begins with this, so that scanners and people recognise a leaked one.
pub const TOKEN_PREFIX: &str = "flw_";

/// Makes and hashes secrets with the installation's key. Cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    key: std::sync::Arc<[u8]>,
}

impl Secrets {
    pub fn new(key: &[u8]) -> Self {
        Self { key: key.into() }
    }

    /// What is stored instead of a secret. Useless without the key.
    pub fn hash(&self, secret: &str) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(secret.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// A seal on `text` that only this installation can make.
    pub fn seal(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.hash(&format!("seal {text}")))
    }

    /// Whether `seal` was made for `text`. Takes the same time for a wrong seal as for a right one.
    pub fn is_sealed(&self, text: &str, seal: &str) -> bool {
        let Ok(seal) = URL_SAFE_NO_PAD.decode(seal) else { return false };
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(format!("seal {text}").as_bytes());
        mac.verify_slice(&seal).is_ok()
    }
}

/// 256 random bits as 43 URL-safe characters.
///
/// # Errors
/// The operating system cannot provide randomness.
pub fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A token: the prefix and 43 characters.
pub fn token() -> anyhow::Result<String> {
    Ok(format!("{TOKEN_PREFIX}{}", random()?))
}

/// The part of a token that may be shown, to tell tokens apart.
pub fn shown(token: &str) -> String {
    token.chars().take(TOKEN_PREFIX.len() + 6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_form_clients_know() {
        let token = token().unwrap();
        assert_eq!(token.len(), 47);
        assert!(token.starts_with("flw_"));
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
    }

    #[test]
    fn the_hash_depends_on_key_and_secret() {
        let (a, b) = (Secrets::new(b"a"), Secrets::new(b"b"));
        assert_eq!(a.hash("x"), a.hash("x"));
        assert_ne!(a.hash("x"), a.hash("y"));
        assert_ne!(a.hash("x"), b.hash("x"));
    }
}
