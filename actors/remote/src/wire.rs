//! What travels on a link once it is up: frames of items.
//!
//! A frame is the id of its link (16 bytes), its number (8 bytes) and items; an item is its lane (1 byte), its length (4 bytes)
//! and MessagePack with named fields. The length lets a receiver skip an item of a newer version.
//! Numbers of frames have no gaps, so a frame that was lost below us can't go unseen.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weir_domain::CommandId;

use crate::error::Refused;
use crate::hello::LinkId;
use crate::{Lane, Manifest, Outgoing};

/// Bytes before the items of a frame.
pub(crate) const FRAME_HEAD: usize = LINK + 8;
const LINK: usize = 16;

/// The largest frame that is ever sent, where items are cut to pieces of `chunk` bytes.
pub(crate) const fn frame_max(chunk: usize) -> usize {
    2 * chunk + (64 << 10)
}

/// One item of a frame.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Item<'a> {
    #[serde(borrow)]
    Message(Envelope<'a>),
    #[serde(borrow)]
    Answer(Answer<'a>),
    /// A piece of the encoding of an item that is too large for one frame. The pieces of one lane
    /// follow one another, those of two items never mix.
    #[serde(borrow)]
    Piece(Piece<'a>),
    /// The receiver may send so much more in this lane.
    Credit {
        lane: Lane,
        bytes: u64,
    },
    /// The time is the sender's own and comes back in the pong.
    Ping {
        micros: u64,
    },
    Pong {
        micros: u64,
    },
    /// The sender leaves for good: nobody needs to wonder what became of it.
    Goodbye {
        reason: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow)]
    pub to: Cow<'a, str>,
    pub manifest: Manifest,
    /// Present in an ask: its answer carries the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corr: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandId>,
    #[serde(borrow)]
    pub payload: Blob<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer<'a> {
    pub corr: u64,
    #[serde(borrow)]
    pub outcome: Answered<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answered<'a> {
    Done {
        manifest: Manifest,
        #[serde(borrow)]
        payload: Blob<'a>,
    },
    Unhandled {
        manifest: Manifest,
    },
    Refused(Refused),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Piece<'a> {
    /// Where in the item this piece begins.
    pub at: u64,
    pub total: u64,
    #[serde(borrow)]
    pub bytes: Blob<'a>,
}

/// Bytes that are written as such and read without a copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blob<'a>(pub &'a [u8]);

impl Serialize for Blob<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Blob<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de [u8]>::deserialize(deserializer).map(Blob)
    }
}

/// Who pays for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fare {
    /// The link itself: small, and limited by what causes it.
    Free,
    Lane(Lane),
}

impl Fare {
    fn byte(self) -> u8 {
        match self {
            Self::Free => 0,
            Self::Lane(Lane::Control) => 1,
            Self::Lane(Lane::Data) => 2,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Free),
            1 => Some(Self::Lane(Lane::Control)),
            2 => Some(Self::Lane(Lane::Data)),
            _ => None,
        }
    }
}

pub(crate) fn encode(item: &Item<'_>) -> Vec<u8> {
    rmp_serde::to_vec_named(item).expect("an item has only forms that MessagePack has")
}

/// The encoding of a message, without copying its payload twice.
pub(crate) fn encode_message(
    to: &str,
    corr: Option<u64>,
    deadline_ms: Option<u64>,
    message: &Outgoing,
) -> Vec<u8> {
    let item = Item::Message(Envelope {
        to: Cow::Borrowed(to),
        manifest: message.manifest.clone(),
        corr,
        deadline_ms,
        trace: message.trace.map(|it| it.to_string()),
        command: message.command,
        payload: Blob(&message.payload),
    });
    let mut bytes = Vec::with_capacity(message.payload.len() + 160);
    let mut writer = rmp_serde::Serializer::new(&mut bytes).with_struct_map();
    item.serialize(&mut writer).expect("an item has only forms that MessagePack has");
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Item<'_>, rmp_serde::decode::Error> {
    rmp_serde::from_slice(bytes)
}

pub(crate) fn put_item(frame: &mut Vec<u8>, fare: Fare, item: &[u8]) {
    let length = u32::try_from(item.len()).expect("an item is smaller than a frame");
    frame.push(fare.byte());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(item);
}

/// A frame that breaks the rules above.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Garbled {
    #[error("a frame of {0} bytes is too short")]
    Short(usize),
    #[error("frame {got} came where {wanted} was due: messages are missing")]
    Gap { wanted: u64, got: u64 },
    #[error("an item in lane {0}")]
    Lane(u8),
    #[error("an item goes beyond the end of its frame")]
    Truncated,
    #[error("a piece of a message came out of order")]
    Pieces,
}

/// The link that a frame belongs to.
pub(crate) fn frame_link(frame: &[u8]) -> Option<LinkId> {
    frame.first_chunk::<LINK>().map(|it| LinkId(*it))
}

/// The beginning of a frame, with room for its items.
pub(crate) fn begin_frame(link: LinkId, number: u64, room: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(FRAME_HEAD + room);
    frame.extend_from_slice(&link.0);
    frame.extend_from_slice(&number.to_be_bytes());
    frame
}

/// The number of a frame, and its items.
pub(crate) fn open_frame(frame: &[u8]) -> Result<(u64, Items<'_>), Garbled> {
    let short = Garbled::Short(frame.len());
    let (_, rest) = frame.split_first_chunk::<LINK>().ok_or(short.clone())?;
    let (number, rest) = rest.split_first_chunk::<8>().ok_or(short)?;
    Ok((u64::from_be_bytes(*number), Items { rest }))
}

pub(crate) struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<(Fare, &'a [u8]), Garbled>;

    fn next(&mut self) -> Option<Self::Item> {
        let (fare, rest) = self.rest.split_first()?;
        let item = Fare::of(*fare).ok_or(Garbled::Lane(*fare)).and_then(|fare| {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or(Garbled::Truncated)?;
            let length = u32::from_be_bytes(*length) as usize;
            let (item, rest) = rest.split_at_checked(length).ok_or(Garbled::Truncated)?;
            self.rest = rest;
            Ok((fare, item))
        });
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes before an item's content.
    const ITEM_HEAD: usize = 5;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let message = Outgoing::raw(Manifest::new("greeting", 3), vec![7; 20])
            .with_command(CommandId(uuid::Uuid::from_u128(5)));
        let bytes = encode_message("somewhere", Some(9), Some(100), &message);
        let Ok(Item::Message(read)) = decode(&bytes) else { panic!("not a message") };
        assert_eq!(
            (read.to.as_ref(), read.corr, read.deadline_ms),
            ("somewhere", Some(9), Some(100))
        );
        assert_eq!((read.payload.0, read.command), (&[7; 20][..], message.command));
        assert_eq!(read.manifest, message.manifest);
    }

    /// Nodes of neighbouring versions must read each other: what is here may only be added to.
    #[test]
    fn the_form_of_a_message_on_the_wire_stays() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().ok();
        let message = Outgoing { trace, ..Outgoing::raw(Manifest::new("m", 1), vec![1, 2]) };
        let bytes = encode_message("p", Some(9), Some(100), &message);
        let form = b"\x81\xa7message\x86\xa2to\xa1p\xa8manifest\x82\xa4name\xa1m\xa7version\x01\
            \xa4corr\x09\xabdeadline_ms\x64\xa5trace\xd9\x37\
            00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\xa7payload\xc4\x02\x01\x02";
        assert_eq!(bytes, form);
        let credit = encode(&Item::Credit { lane: Lane::Data, bytes: 5 });
        assert_eq!(credit, b"\x81\xa6credit\x82\xa4lane\xa4data\xa5bytes\x05");
    }

    #[test]
    fn a_field_of_a_newer_version_is_skipped() {
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum Newer {
            Ping { micros: u64, mood: &'static str },
        }
        let bytes = rmp_serde::to_vec_named(&Newer::Ping { micros: 4, mood: "fine" }).unwrap();
        assert!(matches!(decode(&bytes), Ok(Item::Ping { micros: 4 })));
    }

    #[test]
    fn a_broken_frame_is_refused_wherever_it_is_cut_or_bent() {
        let mut frame = begin_frame(LinkId([4; 16]), 1, 64);
        assert_eq!(frame_link(&frame), Some(LinkId([4; 16])));
        put_item(&mut frame, Fare::Free, &encode(&Item::Ping { micros: 1 }));
        put_item(&mut frame, Fare::Lane(Lane::Data), b"abc");
        let first = FRAME_HEAD + ITEM_HEAD + encode(&Item::Ping { micros: 1 }).len();
        for cut in 0..frame.len() {
            let whole = cut == FRAME_HEAD || cut == first;
            let broken = match open_frame(&frame[..cut]) {
                Ok((_, items)) => items.into_iter().any(|it| it.is_err()),
                Err(_) => true,
            };
            assert_eq!(broken, !whole, "cut at {cut}");
        }
        frame[FRAME_HEAD] = 9;
        let (_, mut items) = open_frame(&frame).unwrap();
        assert_eq!(items.next(), Some(Err(Garbled::Lane(9))));
        assert_eq!(items.next(), None);
    }
}
