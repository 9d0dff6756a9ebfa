//! What peers do otherwise, each with its note: every message still gets stored or is told to be lost, and half a
//! message never becomes one.

use super::script::{check, check_with};

#[test]
fn a_block_without_its_vt_is_accepted() {
    check(
        r#"
        > "MSH|^~\&|1" FS CR
        note missing-vt
        began
        store 0 ends 10
        ~ stored 0 say one
        send one
        > "FHS|^~\&\rMSH|^~\&|2" FS CR
        note missing-vt
        store 1 ends 19
        "#,
    );
}

#[test]
fn a_block_without_its_cr_is_complete_after_a_grace() {
    check(
        r#"
        > VT "MSH|^~\&|1" FS
        timer 1s
        doing receiving a message
        wait 1s
        note missing-cr
        began
        store 0 ends 10
        timer none
        "#,
    );
}

#[test]
fn a_block_without_its_cr_is_complete_when_the_next_begins() {
    check(
        r#"
        > VT "MSH|^~\&|1" FS VT "MSH|^~\&|22" FS CR
        note missing-cr
        began
        store 0 ends 10
        ~ stored 0 say one
        send one
        store 1 ends 11
        "#,
    );
}

#[test]
fn a_cr_that_comes_late_is_awaited_and_after_the_grace_ignored() {
    check(
        r#"
        > VT "MSH|^~\&|1" FS
        wait 0.9s
        > CR
        began
        store 0 ends 10
        ~ stored 0 say one
        send one
        > VT "MSH|^~\&|2" FS
        wait 1s
        note missing-cr
        store 1 ends 10
        > CR
        note stray-line-end
        "#,
    );
}

#[test]
fn line_ends_between_blocks_are_ignored_and_told_once() {
    check(
        r#"
        > VT "MSH|^~\&|1" FS CR LF LF
        began
        store 0 ends 10
        note stray-line-end
        ~ stored 0 say one
        send one
        > VT "MSH|^~\&|2" FS LF VT "MSH|^~\&|3" FS CR
        note missing-cr
        note stray-line-end
        store 1 ends 10
        "#,
    );
}

#[test]
fn noise_before_a_block_is_ignored_and_told_once() {
    check(
        r#"
        > "\x00hello MS FH MSHX" FS "x" VT "MSH|^~\&|1" FS CR
        note noise
        began
        store 0 ends 10
        "#,
    );
    check(
        r#"
        > "M" VT "MSH|^~\&|1" FS CR
        note noise
        began
        store 0 ends 10
        "#,
    );
    check(
        r#"
        > "MMSH|^~\&|1" FS CR
        note noise
        note missing-vt
        began
        store 0 ends 10
        "#,
    );
}

#[test]
fn an_fs_in_the_data_does_not_end_the_block() {
    check(
        r#"
        > VT "MSH|^~\&|1" FS "2" FS FS CR
        note fs-in-data
        began
        store 0 ends 13
        "#,
    );
}

#[test]
fn a_block_that_lacks_both_its_end_and_the_start_of_the_next_loses_no_message() {
    check(
        r#"
        > VT "MSH|^~\&|1" FS "MSH|^~\&|2" FS CR
        note fs-in-data
        began
        store 0 ends 11,21
        "#,
    );
}

#[test]
fn a_sender_that_starts_again_in_mid_block_loses_the_first_half() {
    check(
        r#"
        > VT "MSH|^~\&|1\rOBX" VT "MSH|^~\&|1\rOBX|1" FS CR
        note restarted
        began
        store 0 ends 16
        ~ stored 0 say one
        send one
        > VT "MSH|^~\&|2" VT "MSH|^~\&|22" FS CR
        note restarted
        cut restarted
        began
        store 1 ends 11
        "#,
    );
}

#[test]
fn a_block_without_fs_is_never_a_message() {
    for lost in ["> VT \"MSH|^~\\&|1\\r\"", "> VT", "> VT \"MSH|^~\\&|1\" CR", "> \"MSH|^~\\&|1\\r\""] {
        let missing_start = if lost.contains("VT") { "" } else { "note missing-vt" };
        check(&format!("{lost}\n{missing_start}\n~ disconnected\nnote broken-off"));
        check(&format!("{lost}\n{missing_start}\nwait 30s\nnote silence\nidle yes\n~ disconnected"));
    }
}

#[test]
fn a_message_cut_short_at_any_byte_is_never_stored() {
    let whole = r"MSH|^~\&|Sim\rPID|1\rOBX|1|NM|K||4.1\r";
    let text = super::script::bytes(&format!("block {whole}"));
    for length in 1..text.len() - 2 {
        let shown: String = text[1..length].iter().map(|byte| format!("\\x{byte:02X}")).collect();
        check(&format!("> VT \"{shown}\"\n~ disconnected\nnote broken-off"));
        check(&format!(
            "> VT \"{shown}\"\nwait 30s\nnote silence\n> block MSH|^~\\&|2\nbegan\nstore 0 ends 10"
        ));
    }
}

#[test]
fn a_peer_that_falls_silent_in_mid_block_loses_what_had_come() {
    check(
        r#"
        > block MSH|^~\&|1
        began
        store 0 ends 10
        ~ stored 0 say one
        send one
        > VT "MSH|^~"
        timer 30s
        wait 20s
        > "\&|2"
        timer 30s
        wait 30s
        note silence
        cut silence
        timer none
        > "|rest" FS CR
        note noise
        note stray-line-end
        > block MSH|^~\&|2
        began
        store 1 ends 10
        "#,
    );
}

#[test]
fn a_connection_lost_in_mid_block_cuts_what_was_under_way() {
    check(
        r#"
        > block MSH|^~\&|1
        began
        store 0 ends 10
        ~ stored 0 say one
        send one
        > VT "MSH|"
        ~ disconnected
        note broken-off
        cut disconnected
        "#,
    );
}

#[test]
fn a_block_without_a_header_is_stored_for_a_person_to_see() {
    check(
        r"
        > block PID|1\rOBX|1
        began
        note no-header
        store 0 ends 11
        ~ stored 0 silent
        ",
    );
}

#[test]
fn an_empty_block_is_nothing() {
    check("> VT FS CR\nnote empty-block\nidle yes");
}

#[test]
fn a_block_beyond_the_bound_closes_the_connection() {
    check_with(
        |settings| settings.max_block = 10,
        r#"
        > block MSH|^~\&|1
        began
        store 0 ends 10
        ~ stored 0 say one
        send one
        > VT "MSH|^~\&|1" "2"
        note oversize-block
        cut oversize
        close unusable
        > "3" FS CR VT "MSH|^~\&|1" FS CR
        timer none
        ~ disconnected
        ~ connected
        > block MSH|^~\&|2
        began
        store 1 ends 10
        "#,
    );
}

#[test]
fn an_acknowledgement_that_nothing_waits_for_is_discarded_and_never_answered() {
    check("> block MSH|^~\\&|1\\rMSA|AA|7\nnote stray-answer");
    check("> block MSH|^~\\&|1\\rMSA|AAX|7\nnote stray-answer");
    check("> VT ACK FS CR\nnote stray-commit");
}

#[test]
fn a_message_that_also_answers_something_of_others_is_stored() {
    for code in ["AA", "AX", "AA|1\\rMSA|AA"] {
        check(&format!(
            "> block MSH|^~\\&|1\\rMSA|{code}|7\\rPID|1\nbegan\nstore 0 ends {}",
            23 + code.replace("\\r", "\r").len()
        ));
    }
}
