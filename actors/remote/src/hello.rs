//! The first words on a new connection: who the two are, and whether they want each other.
//!
//! The dialler says hello, the listener says hello, the dialler confirms with the link's id, the
//! listener welcomes it. Either may answer with a refusal instead, so that both know the reason.
//! The id is made of both sides' random numbers: words recorded from another connection confirm
//! another id, and are refused. Nothing is read beyond these words, and none is longer than
//! `WORD_MAX`. Deadlines are the caller's.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use weir_domain::{ClusterAddress, ClusterId, ClusterName, Code, Incarnation, NodeUid};

use crate::code;

/// What a connection begins with, from both sides.
const MAGIC: &[u8; 8] = b"weirlink";
/// The longest word, in bytes.
const WORD_MAX: u32 = 16 << 10;
/// The versions of the protocol that this program speaks.
pub(crate) const PROTOCOL: (u16, u16) = (1, 1);
/// A handshake of TLS begins with this byte.
const TLS_HANDSHAKE: u8 = 0x16;

/// How a node introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The oldest and the newest version of the protocol that it speaks.
    pub protocol: (u16, u16),
    pub cluster: ClusterName,
    #[serde(default)]
    pub cluster_id: Option<ClusterId>,
    pub node: Incarnation,
    /// Where it listens. Its certificate must be for this host.
    pub address: ClusterAddress,
    pub version: String,
    /// Bits for what was added within one version of the protocol.
    #[serde(default)]
    pub features: u64,
    pub nonce: [u8; 16],
}

/// A connection, known to its two ends only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct LinkId(pub [u8; 16]);

impl LinkId {
    pub(crate) fn of(dialler: &Hello, listener: &Hello) -> Self {
        let digest = Sha256::new().chain_update(dialler.nonce).chain_update(listener.nonce);
        let mut id = [0; 16];
        id.copy_from_slice(&digest.finalize()[..16]);
        Self(id)
    }

    /// The id as hexadecimal digits. Whoever knows it can speak on the link, so it is not logged.
    pub(crate) fn hex(self) -> String {
        self.0.iter().map(|it| format!("{it:02x}")).collect()
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkId(..)")
    }
}

/// Why a node does not want another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {reason}")]
pub struct Refusal {
    pub code: Code,
    pub reason: String,
    /// Who refuses, where that is all the answer: an address that is none of its own leads to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<NodeUid>,
}

impl Refusal {
    pub fn new(code: Code, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), by: None }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    Hello(Hello),
    Confirm { link: LinkId },
    Welcome { link: LinkId },
    Refusal(Refusal),
}

/// Why the words came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Misheard {
    /// The peer said so.
    #[error("{0}")]
    Refused(Refusal),
    /// What came is no word of this protocol.
    #[error("{0}")]
    NoWord(Refusal),
    #[error("the connection broke during the handshake")]
    Broken(#[source] std::io::Error),
}

pub(crate) async fn say<W>(writer: &mut W, word: &Word) -> Result<(), Misheard>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    let content = rmp_serde::to_vec_named(word).expect("a word has only forms of MessagePack");
    let length = u32::try_from(content.len()).expect("a word is short");
    let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + content.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&content);
    writer.write_all(&bytes).await.map_err(Misheard::Broken)?;
    writer.flush().await.map_err(Misheard::Broken)
}

/// The next word of the peer; a refusal is an error.
pub(crate) async fn hear<R>(reader: &mut R) -> Result<Word, Misheard>
where
    R: AsyncRead + Unpin + ?Sized,
{
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic).await.map_err(Misheard::Broken)?;
    if &magic != MAGIC {
        return Err(Misheard::NoWord(no_hello(&magic)));
    }
    let length = reader.read_u32().await.map_err(Misheard::Broken)?;
    if length > WORD_MAX {
        let reason = format!("it announces {length} bytes, a hello has at most {WORD_MAX}");
        return Err(Misheard::NoWord(Refusal::new(code::NO_HELLO, reason)));
    }
    let mut content = vec![0; length as usize];
    reader.read_exact(&mut content).await.map_err(Misheard::Broken)?;
    match rmp_serde::from_slice(&content) {
        Ok(Word::Refusal(refusal)) => Err(Misheard::Refused(refusal)),
        Ok(word) => Ok(word),
        Err(error) => {
            let reason = format!("its hello can't be read: {error}");
            Err(Misheard::NoWord(Refusal::new(code::NO_HELLO, reason)))
        }
    }
}

fn no_hello(magic: &[u8]) -> Refusal {
    let reason = if magic.first() == Some(&TLS_HANDSHAKE) {
        "it speaks TLS, and this node has no certificates: set weir.cluster.tls on both or on none"
    } else {
        "it speaks another protocol: this port is for the engines of a cluster"
    };
    Refusal::new(code::NO_HELLO, reason)
}

/// What any two nodes must agree in, before anything else is looked at.
pub(crate) fn agree(mine: &Hello, theirs: &Hello) -> Result<(), Refusal> {
    if theirs.cluster != mine.cluster || theirs.address.cluster != mine.cluster {
        let reason = format!(
            "{} belongs to cluster {:?}, this node to {:?}: check weir.cluster.name and the seed nodes",
            theirs.node,
            theirs.cluster.as_str(),
            mine.cluster.as_str()
        );
        return Err(Refusal::new(code::WRONG_CLUSTER, reason));
    }
    let ((min, max), (least, most)) = (theirs.protocol, mine.protocol);
    if min.max(least) > max.min(most) {
        let reason = format!(
            "{} ({}) speaks versions {min} to {max} of the protocol, this node ({}) {least} to \
             {most}: upgrade one minor version at a time",
            theirs.node, theirs.version, mine.version
        );
        return Err(Refusal::new(code::WRONG_PROTOCOL, reason));
    }
    if theirs.node == mine.node {
        return Err(Refusal::new(code::ITSELF, "the address is this node's own"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn words_are_heard_as_they_were_said() {
        let mut bytes = Vec::new();
        let hello = hello("a", 1);
        say(&mut bytes, &Word::Hello(hello.clone())).await.unwrap();
        let Ok(Word::Hello(heard)) = hear(&mut &bytes[..]).await else { panic!("no hello") };
        assert_eq!(heard, hello);
    }

    #[tokio::test]
    async fn what_is_no_word_is_refused_with_the_reason() {
        for (bytes, reason) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], "another protocol"),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01", "speaks TLS"),
            (b"weirlink\xff\xff\xff\xff", "announces 4294967295 bytes"),
            (b"weirlink\x00\x00\x00\x02\xc1\xc1", "can't be read"),
        ] {
            let Err(Misheard::NoWord(refusal)) = hear(&mut &*bytes).await else {
                panic!("{bytes:?} was heard")
            };
            assert!(refusal.reason.contains(reason), "{refusal}");
        }
    }

    #[test]
    fn two_that_do_not_belong_together_say_why() {
        let mine = hello("a", 1);
        assert_eq!(agree(&mine, &hello("b", 2)), Ok(()));
        let check = |change: &dyn Fn(&mut Hello), code| {
            let mut theirs = hello("b", 2);
            change(&mut theirs);
            assert_eq!(agree(&mine, &theirs).unwrap_err().code, code);
        };
        check(&|it| it.cluster = "other".parse().unwrap(), code::WRONG_CLUSTER);
        check(&|it| it.address = "weir://other@b".parse().unwrap(), code::WRONG_CLUSTER);
        check(&|it| it.protocol = (2, 3), code::WRONG_PROTOCOL);
        check(&|it| it.node = mine.node.clone(), code::ITSELF);
    }

    #[test]
    fn each_connection_has_its_own_id() {
        let (a, b) = (hello("a", 1), hello("b", 2));
        assert_eq!(LinkId::of(&a, &b), LinkId::of(&a, &b));
        assert_ne!(LinkId::of(&a, &b), LinkId::of(&b, &a));
        assert_ne!(LinkId::of(&a, &b), LinkId::of(&a, &hello("b", 3)));
    }

    fn hello(name: &str, nonce: u8) -> Hello {
        Hello {
            protocol: PROTOCOL,
            cluster: "weir".parse().unwrap(),
            cluster_id: None,
            node: format!("{name}#01930000-0000-7000-8000-000000000000").parse().unwrap(),
            address: format!("weir://weir@{name}").parse().unwrap(),
            version: "0.1.0".to_owned(),
            features: 0,
            nonce: [nonce; 16],
        }
    }
}
