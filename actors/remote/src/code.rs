//! The codes that this crate writes into logs and refusals, one line each.

use weir_domain::Code;

/// A link to a peer is up.
pub const LINK_UP: Code = Code(10_001);
/// A link to a peer has ended.
pub const LINK_DOWN: Code = Code(10_002);
/// This node listens for its peers.
pub const LISTENING: Code = Code(10_003);
/// A peer's process is proven to be gone.
pub const PEER_GONE: Code = Code(10_004);
/// This node refused a connection.
pub const REFUSED: Code = Code(10_005);
/// A peer refused this node.
pub const REFUSED_BY_PEER: Code = Code(10_006);
/// A peer can't be reached; it is tried again.
pub const UNREACHABLE: Code = Code(10_007);
/// The listener could not take a connection.
pub const ACCEPT_FAILED: Code = Code(10_008);
/// Certificates were read again because their files changed.
pub const CERTIFICATES_READ: Code = Code(10_009);
/// Changed certificates can't be used; those read before stay in use.
pub const CERTIFICATES_BAD: Code = Code(10_010);

/// This node's own certificate expires soon.
pub const CERTIFICATE_EXPIRES: Code = Code(10_011);
/// This node's own certificate has expired.
pub const CERTIFICATE_EXPIRED: Code = Code(10_012);
/// This node's own certificate is for another host than its canonical one.
pub const CERTIFICATE_OTHER_HOST: Code = Code(10_013);

/// A message for a path or of a kind that nobody here handles.
pub const UNHANDLED: Code = Code(10_020);
/// A handler refused a message whose sender waits for no answer.
pub const TELL_REFUSED: Code = Code(10_021);
/// A handler panicked over a message.
pub const HANDLER_PANICKED: Code = Code(10_022);
/// A peer sent what can't be read; the link is closed.
pub const GARBLED: Code = Code(10_023);
/// A message could not be read as what its manifest says.
pub const UNREADABLE: Code = Code(10_024);
/// A message is larger than this node accepts.
pub const TOO_LARGE: Code = Code(10_025);
/// An ask came after its deadline.
pub const LATE: Code = Code(10_026);

/// Refused: it belongs to another cluster.
pub const WRONG_CLUSTER: Code = Code(10_040);
/// Refused: the two have no version of the protocol in common.
pub const WRONG_PROTOCOL: Code = Code(10_041);
/// Refused: its certificate is for another host than it announces.
pub const WRONG_CERTIFICATE: Code = Code(10_042);
/// Refused: a node dialled itself.
pub const ITSELF: Code = Code(10_043);
/// Refused: a newer incarnation of that node is linked already.
pub const OLD_INCARNATION: Code = Code(10_044);
/// Refused: the hello was recorded from another connection.
pub const REPLAYED: Code = Code(10_045);
/// Refused: that is no hello.
pub const NO_HELLO: Code = Code(10_046);
/// Refused: the two dialled each other at once, and the other connection is kept.
pub const DUPLICATE_LINK: Code = Code(10_047);
/// Refused: a node of another name is linked that has the address it announces.
pub const ADDRESS_TAKEN: Code = Code(10_049);
/// Refused: this node is stopping.
pub const STOPPING: Code = Code(10_048);
