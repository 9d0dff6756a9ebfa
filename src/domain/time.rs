//! Times as instruments state them: usually without a zone, sometimes wrong, always kept as sent.

use jiff::Timestamp;

/// A time an instrument wrote, beside the instant it names in the instrument's declared zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstrumentTime {
    /// Exactly as sent.
    pub text: String,
    /// `None` where the text is no valid time, or names none or two instants on the night the clocks change.
    pub instant: Option<Timestamp>,
}
