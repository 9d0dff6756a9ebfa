//! What the link does by the standard, and what it makes of what the standard doesn't foresee.

mod bounds;
mod deviations;
mod receiving;
mod script;
mod sending;
