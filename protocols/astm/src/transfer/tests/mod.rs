//! The link's behaviour, as scripts that read aloud. Each is replayed whole and one byte at a time.

mod bounds;
mod contention;
mod crossing;
mod peers;
mod receiving;
mod script;
mod sending;
mod storing;
mod tolerances;
