//! Which splits of a live source a lane reads.

/// One of the lanes of a workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// From 0.
    pub lane: u32,
    pub lanes: u32,
}

impl Share {
    /// All splits.
    pub const WHOLE: Self = Self { lane: 0, lanes: 1 };

    /// Whether a split is this lane's. Each split is exactly one lane's, on every engine and in
    /// every version.
    pub fn has(self, split: &str) -> bool {
        let lanes = u64::from(self.lanes.max(1));
        fnv1a(split.as_bytes()) % lanes == u64::from(self.lane)
    }
}

/// The hash function FNV-1a in 64 bits: fixed for all time, as splits must not change their lane.
fn fnv1a(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_split_is_one_lanes_and_stays_it() {
        for lanes in 1..20 {
            for split in (0..100).map(|it| format!("topic-{it}")) {
                let of = |lane| Share { lane, lanes }.has(&split);
                assert_eq!((0..lanes).filter(|it| of(*it)).count(), 1);
            }
        }
        // As it was in the first version.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
