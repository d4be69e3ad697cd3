//! Describes this process's memory to debuggers and readers of cores: a table that names the structures which matter, says
//! where they lie and what is at which offset in them. It is data, so that it works on a stripped library, and a reader
//! needs names only and no offsets: a script may be older or newer than the library. Each module describes its own
//! structures, `crate::tracer::state` gathers them. `descriptor` has the descriptions, `table` their form in memory,
//! `shapes` the layout of the standard library's containers. No span call comes here.

pub mod descriptor;
pub mod shapes;
pub mod table;

pub(crate) use descriptor::{holding, signed, unsigned};
pub use descriptor::{Field, Kind, Place, TypeDescriptor};
pub use table::publish;
