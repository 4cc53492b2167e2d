//! Which objects of a package follow its head, where the other side has the rest.
//!
//! One bit for each object of the manifest's list, in its order, the lowest of a byte first; the
//! bits that are left of the last byte are 0.

use std::collections::BTreeSet;
use std::io::Read;

use weir_domain::Digest;

use crate::read::take;
use crate::{Error, Manifest, Result};

const WHAT: &str = "the list of the objects that follow";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection(Vec<u8>);

impl Selection {
    /// Those of the manifest's objects that are wanted.
    pub fn of(manifest: &Manifest, wanted: &BTreeSet<Digest>) -> Self {
        let objects = &manifest.objects;
        let mut bits = vec![0; objects.len().div_ceil(8)];
        for (at, _) in objects.iter().enumerate().filter(|(_, it)| wanted.contains(&it.digest)) {
            bits[at / 8] |= 1 << (at % 8);
        }
        Self(bits)
    }

    /// As it stands behind the head.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn read(source: &mut impl Read, objects: usize) -> Result<Self> {
        let selection = Self(take(source, objects.div_ceil(8) as u64, WHAT)?);
        match (objects..selection.0.len() * 8).any(|it| selection.has(it)) {
            true => {
                let reason = "it names objects that the manifest does not have".to_owned();
                Err(Error::Malformed { what: WHAT.to_owned(), reason })
            }
            false => Ok(selection),
        }
    }

    pub(crate) fn has(&self, at: usize) -> bool {
        self.0.get(at / 8).is_some_and(|it| it & (1 << (at % 8)) != 0)
    }
}
