//! Records on their way: a batch of them, where in its item each one stood, and those that could
//! not be read. Formats make these, stages pass them on, sinks write them.

mod batch;
mod positions;
mod type_name;

pub use batch::{BadRecord, Batch, beginning};
pub use positions::Positions;
pub use type_name::type_name;
