//! The schedule as values: what people want of each workflow, what the cluster offers, and what is
//! made of both.
//!
//! Everything here travels over HTTP and peer links and lies in journals: fields may be added with
//! a default, and none changes its meaning. Nothing here decides anything: placement is a function
//! in the controllers.

mod assignment;
mod instance;
mod landscape;
mod limit;
mod placement;
mod settings;

pub use assignment::{Assigned, Assignments, Comparison, InstanceNumber, Placed, Why};
pub use instance::{Health, InstanceReport, InstanceState, NodeReport};
pub use landscape::{Deployed, DeployedWorkflow, Landscape, Reach, ScheduleNode};
pub use limit::{InvalidLimit, Limit, Max, Scope};
pub use placement::{
    Move, NodeVerdict, Outcome, Placement, Reason, Start, Stop, StopCause, UnknownReason, Verdict,
    Warning,
};
pub use settings::{InvalidWeight, LimitPatch, Settings, SettingsPatch, Weight};
