//! ASTM as analyzers speak it: the transfer of frames (LIS01, formerly E1381) and the records they carry
//! (LIS02, formerly E1394). The two halves never import each other.

pub mod record;
pub mod transfer;
