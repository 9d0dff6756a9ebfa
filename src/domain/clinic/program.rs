//! Readings of the rules, as controls have them too (`domain/qc/westgard.rs`).

/// A reading of the rules, named wherever a decision is kept. An earlier one stays, so that what it decided can be decided
/// again; another reading of a rule gets another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Of several changes at once, a change whose rule may not be the patient's was left out.
    First,
    /// It is a change that couldn't be asked about.
    Second,
}

impl Program {
    /// By which is decided now.
    pub const NOW: Program = Program::Second;

    pub fn name(self) -> &'static str {
        match self {
            Program::First => "rules/1",
            Program::Second => "rules/2",
        }
    }

    pub fn from_name(name: &str) -> Option<Program> {
        [Program::First, Program::Second].into_iter().find(|program| program.name() == name)
    }
}
