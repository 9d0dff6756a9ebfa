//! HL7 v2 as analyzers speak it: the grammar of its messages, and their transfer over MLLP with acknowledgements.
//! The grammar never imports the transfer; of the transfer, only what writes or reads an acknowledgement uses the
//! grammar.

pub mod message;
pub mod transfer;
