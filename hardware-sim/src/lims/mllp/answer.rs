//! The acknowledgements, well-formed and otherwise. It decides nothing.

/// An acknowledgement of the message with this control ID.
pub(super) fn acknowledge(code: &str, control_id: &str, error: Option<u32>) -> Vec<u8> {
    let mut text =
        format!("MSH|^~\\&|LABSIM||||20260102030405||ACK|A-{control_id}|P|2.5.1\rMSA|{code}|{control_id}\r");
    if let Some(error) = error {
        text += &format!("ERR|||{error}^said on command^HL70357|E\r");
    }
    text.into_bytes()
}

/// Looks like an acceptance to whoever looks for letters.
pub(super) fn garbage(control_id: &str) -> Vec<u8> {
    format!("\u{0}OK? MSA|AAX|{control_id}|AA").into_bytes()
}
