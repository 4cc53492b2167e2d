//! Private keys on their way in and out: from files of `age-keygen`, and under a passphrase, as
//! `age --passphrase --armor` writes it.

use std::io::{Read, Write};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{DecryptError, scrypt};

use crate::sealed::{decrypt, encrypt};
use crate::{Error, PrivateKey, Result, Secret};

/// Fewer characters are too easily guessed by someone who has the file.
pub const PASSPHRASE_MIN: usize = 12;
/// scrypt's cost when a key is protected: 128 MiB and some tenths of a second.
const COST: u8 = 17;
/// The most that is spent on a key that somebody else protected: 256 MiB.
const COST_MAX: u8 = 18;

/// How the forms begin that are known but not taken.
const FOREIGN: [(&str, &str); 4] = [
    ("-----BEGIN OPENSSH", "it is an OpenSSH key, and only X25519 keys of age are taken"),
    ("-----BEGIN", "it is in PEM, and only X25519 keys of age are taken"),
    ("ssh-", "it is an OpenSSH public key, and only X25519 keys of age are taken"),
    ("age1", "it is a public key"),
];

/// Reads a private key, as `age-keygen` writes it or as `export` does.
pub fn import(text: &Secret, passphrase: Option<&Secret>) -> Result<PrivateKey> {
    let bytes = text.expose().trim_ascii();
    if bytes.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
        || bytes.starts_with(b"age-encryption.org/")
    {
        let passphrase = passphrase.ok_or(Error::PassphraseNeeded)?;
        return PrivateKey::parse(&unprotect(bytes, passphrase)?);
    }
    if let Some((_, reason)) = FOREIGN.iter().find(|it| bytes.starts_with(it.0.as_bytes())) {
        return Err(Error::NotAKey { what: "private key", reason });
    }
    PrivateKey::parse(text)
}

/// Writes a private key under a passphrase.
pub fn export(key: &PrivateKey, passphrase: &Secret) -> Result<String> {
    let given = passphrase.expose_text().map_or(0, |it| it.chars().count());
    if given < PASSPHRASE_MIN {
        return Err(Error::WeakPassphrase { given, min: PASSPHRASE_MIN });
    }
    let mut recipient = scrypt::Recipient::new(phrase(passphrase)?);
    recipient.set_work_factor(COST);
    let file = encrypt(&key.to_text(), std::iter::once(&recipient as _));
    let armored = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).and_then(|mut it| {
        it.write_all(&file)?;
        it.finish()
    });
    Ok(String::from_utf8(armored.expect("memory takes what is written")).expect("armor is ASCII"))
}

fn unprotect(file: &[u8], passphrase: &Secret) -> Result<Secret> {
    let mut binary = Vec::new();
    let read = ArmoredReader::new(file).read_to_end(&mut binary);
    read.map_err(|_| Error::NotAKey { what: "private key", reason: "its armor is damaged" })?;
    let mut identity = scrypt::Identity::new(phrase(passphrase)?);
    identity.set_max_work_factor(COST_MAX);
    decrypt(&binary, &identity).map_err(|error| match error {
        DecryptError::ExcessiveWork { required, .. } => Error::TooCostly(required),
        _ => Error::WrongPassphrase,
    })
}

fn phrase(passphrase: &Secret) -> Result<SecretString> {
    let reason = "a passphrase must be text";
    let text = passphrase.expose_text().ok_or(Error::NotAKey { what: "passphrase", reason })?;
    Ok(SecretString::from(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[test]
    fn an_exported_key_comes_back_with_its_passphrase_only() {
        let (key, passphrase) = (PrivateKey::generate(), secret("correct horse battery"));
        let file = export(&key, &passphrase).unwrap();
        assert!(file.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"), "{file}");
        let file = secret(&file);
        assert_eq!(import(&file, Some(&passphrase)).unwrap().public(), key.public());
        assert!(matches!(import(&file, None), Err(Error::PassphraseNeeded)));
        let wrong = import(&file, Some(&secret("correct horse batterz")));
        assert!(matches!(wrong, Err(Error::WrongPassphrase)), "{wrong:?}");
    }

    #[test]
    fn a_short_passphrase_is_refused() {
        let refused = export(&PrivateKey::generate(), &secret("hunter2"));
        assert!(matches!(refused, Err(Error::WeakPassphrase { given: 7, min: PASSPHRASE_MIN })));
    }

    #[test]
    fn keys_of_other_kinds_are_named_and_a_plain_one_is_taken() {
        for (text, named) in [
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "OpenSSH"),
            ("-----BEGIN RSA PRIVATE KEY-----\nabc", "PEM"),
            ("ssh-rsa AAAA", "OpenSSH public"),
        ] {
            let refused = import(&secret(text), None).unwrap_err().to_string();
            assert!(refused.contains(named) && !refused.contains("abc"), "{refused}");
        }
        let key = PrivateKey::generate();
        assert_eq!(import(&key.to_text(), None).unwrap().public(), key.public());
    }

    #[test]
    fn what_would_cost_too_much_memory_is_refused() {
        // The header of an age file; what follows is never looked at.
        let header = "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 30\n\
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\
            --- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n0123456789abcdef";
        let refused = import(&secret(header), Some(&secret("correct horse battery")));
        assert!(matches!(refused, Err(Error::TooCostly(30))), "{refused:?}");
    }
}
