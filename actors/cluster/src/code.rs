//! The codes that this crate writes into logs, faults and explanations, one line each. Membership
//! has 11000 to 11049, leases and singletons have 11050 to 11099.

use weir_domain::Code;

/// This node looks for the other members.
pub const CONNECTING: Code = Code(11_000);
/// This node is a member, and may be given work.
pub const JOINED: Code = Code(11_001);
/// A member's status changed.
pub const MEMBER: Code = Code(11_002);
/// A member can't be reached from here, or can be again.
pub const REACHABILITY: Code = Code(11_003);
/// Another node leads now.
pub const LEADER: Code = Code(11_004);
/// The store of the members can't be used; no status changes until it can.
pub const STORE_LOST: Code = Code(11_005);
/// The store of the members is back.
pub const STORE_BACK: Code = Code(11_006);
/// The split-brain resolver decided.
pub const RESOLVED: Code = Code(11_007);
/// The cluster goes on without this node.
pub const DOWNED: Code = Code(11_008);
/// The store belongs to another cluster.
pub const OTHER_CLUSTER: Code = Code(11_009);
/// The store is older than what this node has seen of it.
pub const STORE_WENT_BACK: Code = Code(11_010);
/// Another node with this name is a member and answers.
pub const DUPLICATE_NAME: Code = Code(11_011);
/// This node leaves the cluster.
pub const LEAVING: Code = Code(11_012);
/// The note of what was seen of the store can't be read or written.
pub const WATERMARK: Code = Code(11_013);
/// A name of the discovery can't be resolved.
pub const DISCOVERY: Code = Code(11_014);
/// Gossip ended, and was started again.
pub const GOSSIP: Code = Code(11_015);
/// A member's row has gone from the store.
pub const FORGOTTEN: Code = Code(11_017);

/// Too few nodes are there for any of them to go up.
pub const TOO_FEW: Code = Code(11_020);
/// No node that may change statuses can be reached.
pub const NO_LEADER: Code = Code(11_021);
/// Nothing changes until a member that can't be reached is back or down.
pub const BLOCKED: Code = Code(11_022);
/// A node that this one should reach does not answer.
pub const NOT_LINKED: Code = Code(11_023);
/// The node is not in the list of members.
pub const NOT_LISTED: Code = Code(11_024);
/// The node is where it should be.
pub const AS_IT_SHOULD: Code = Code(11_025);
/// The node waits to know whether another one with its name still runs.
pub const NAME_IN_DOUBT: Code = Code(11_026);
