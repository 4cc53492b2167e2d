//! Places where a process may die, for tests that kill real ones.
//!
//! In a build for tests, one with debug assertions, the process aborts at the place that the variable
//! `WEIR_CRASH_AT` names: `after-claim`, or `after-claim:3` for the third time. In a release there is
//! nothing of it, and nobody reads the variable.

/// What a process has done when it dies, and what it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPoint {
    /// A sink has written, and nothing of it is named anywhere.
    BeforePrepare,
    AfterPrepare,
    /// State and staged output are durable, and not reported.
    AfterUpload,
    /// All stages have reported.
    BeforeManifest,
    /// The manifest is stored, and nobody has claimed it.
    BeforeClaim,
    /// The epoch is the truth, and nobody has been told.
    AfterClaim,
    /// A sink has written all that it publishes at once, and nobody sees it yet: before a rename, or
    /// the end of a transaction.
    BeforePublication,
    /// All see it, and what it was staged in is there still.
    AfterPublication,
    /// A sink has published something of what the permit names.
    MidCommit,
    /// All is published, and not marked.
    BeforeMarker,
    DuringCollection,
}

impl CrashPoint {
    pub const ALL: [Self; 11] = [
        Self::BeforePrepare,
        Self::AfterPrepare,
        Self::AfterUpload,
        Self::BeforeManifest,
        Self::BeforeClaim,
        Self::AfterClaim,
        Self::BeforePublication,
        Self::AfterPublication,
        Self::MidCommit,
        Self::BeforeMarker,
        Self::DuringCollection,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforePrepare => "before-prepare",
            Self::AfterPrepare => "after-prepare",
            Self::AfterUpload => "after-upload",
            Self::BeforeManifest => "before-manifest",
            Self::BeforeClaim => "before-claim",
            Self::AfterClaim => "after-claim",
            Self::BeforePublication => "before-publication",
            Self::AfterPublication => "after-publication",
            Self::MidCommit => "mid-commit",
            Self::BeforeMarker => "before-marker",
            Self::DuringCollection => "during-collection",
        }
    }
}

/// Dies here, if this is where the test wants it.
#[cfg(not(debug_assertions))]
pub fn reach(_: CrashPoint) {}

/// Dies here, if this is where the test wants it.
#[cfg(debug_assertions)]
pub fn reach(point: CrashPoint) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let wanted = std::env::var("WEIR_CRASH_AT").ok()?;
        let (name, time) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        let is_known = CrashPoint::ALL.iter().any(|it| it.as_str() == name);
        assert!(is_known, "WEIR_CRASH_AT names no place where a process may die: {name}");
        Some((name.to_owned(), time.parse().expect("WEIR_CRASH_AT counts from 1")))
    });
    static TIMES: AtomicU32 = AtomicU32::new(0);

    let Some((name, time)) = &*WANTED else { return };
    if *name == point.as_str() && TIMES.fetch_add(1, Ordering::SeqCst) + 1 == *time {
        std::process::abort();
    }
}
