//! Each named tolerance, on and off.

use super::script::{check, check_with};
use crate::transfer::EndMark;

#[test]
fn a_checksum_in_lower_case_is_accepted_unless_it_is_not_tolerated() {
    let frame = r#"
        > ENQ
        began
        send ACK
        > STX "1H|\^&\r" ETX "e5\r\n"
        "#;
    check(&format!("{frame}\nnote lower-case-checksum\nstore 0"));
    check_with(
        |settings| settings.tolerances.lower_case_checksum = false,
        &format!("{frame}\nnote bad-checksum\nsend NAK"),
    );
}

#[test]
fn bytes_before_a_frame_are_ignored_unless_they_are_not_tolerated() {
    let frame = r#"
        > ENQ
        began
        send ACK
        > "\r\n~~" ACK 1:H|\^&\r ETX
        note noise
        "#;
    check(&format!("{frame}\nstore 0"));
    check_with(
        |settings| settings.tolerances.noise_before_frame = false,
        &format!("{frame}\nnote noise-before-frame\nsend NAK\n> 1:H|\\^&\\r ETX\nstore 0"),
    );
    check_with(
        |settings| settings.tolerances.noise_before_frame = false,
        "> \"~~\" ENQ\nnote noise\nbegan\nsend ACK\n> 1:H|\\^&\\r ETX\nstore 0",
    );
}

#[test]
fn enq_in_mid_transfer_begins_anew_unless_it_is_not_tolerated() {
    let enq = r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        > ENQ
        ";
    check(&format!(
        r"
        {enq}
        note restarted
        cut restarted
        began
        wait 1s
        send ACK
        > 1:H|\^&\r ETX
        store 1
        "
    ));
    check_with(
        |settings| settings.tolerances.restart_by_enq = false,
        &format!("{enq}\nnote restart-refused\nsend NAK\n> 2:L|1\\r ETX\nstore 1 ends 4"),
    );
}

#[test]
fn a_restart_meets_a_busy_journal() {
    check(
        r"
        > ENQ
        began
        send ACK
        ~ busy
        > ENQ
        note restarted
        cut restarted
        note busy
        send NAK
        timer none
        ",
    );
}

#[test]
fn enq_and_eot_without_a_frame_are_a_keep_alive_unless_they_are_not_tolerated() {
    check("> ENQ EOT\nbegan\nsend ACK\nnote keep-alive\nended");
    check_with(
        |settings| settings.tolerances.keep_alive = false,
        "> ENQ EOT\nbegan\nsend ACK\nnote empty-transfer\nended",
    );
}

#[test]
fn a_transfer_whose_frames_were_all_refused_is_no_keep_alive() {
    check(
        r"
        > ENQ
        began
        send ACK
        > bad 1:H|\^&\r ETX
        note bad-checksum
        send NAK
        > EOT
        ended
        ",
    );
}

#[test]
fn a_frame_without_cr_lf_waits_for_them_unless_their_absence_is_tolerated() {
    let frame = r#"
        > ENQ
        began
        send ACK
        > STX "1H|\^&\r" ETX "E5"
        "#;
    check(&format!("{frame}\nwait 14s"));
    check_with(
        |settings| settings.tolerances.missing_cr_lf = true,
        &format!(
            r#"
            {frame}
            store 0
            ~ stored 0
            send ACK
            > STX "2L|1\r" ETX "3B"
            note missing-cr-lf
            store 1 ends 4
            ~ stored 1
            send ACK
            > EOT
            note missing-cr-lf
            ended
            "#
        ),
    );
}

#[test]
fn where_cr_lf_may_be_missing_it_may_also_be_there() {
    check_with(
        |settings| settings.tolerances.missing_cr_lf = true,
        r#"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        > bad 2:L|1\r ETX
        note bad-checksum
        send NAK
        > STX "2L|1\r" ETX "zz\r\n"
        note bad-checksum
        send NAK
        > 2:L|1\r ETX
        store 1 ends 4
        ~ stored 1
        send ACK
        > EOT
        ended
        "#,
    );
}

#[test]
fn a_frame_without_checksum_is_refused_unless_its_absence_is_tolerated() {
    let frame = r#"
        > ENQ
        began
        send ACK
        > STX "1H|\^&\r" ETX "\r\n"
        "#;
    check(&format!("{frame}\nnote bad-frame-end\nsend NAK"));
    check_with(
        |settings| settings.tolerances.missing_checksum = true,
        &format!(
            r#"
            {frame}
            note missing-checksum
            store 0
            ~ stored 0
            send ACK
            > bad 2:L|1\r ETX
            note bad-checksum
            send NAK
            > 2:L|1\r ETX
            store 1 ends 4
            "#
        ),
    );
}

#[test]
fn a_frame_may_end_with_etx_where_checksum_and_cr_lf_may_both_be_missing() {
    check_with(
        |settings| {
            settings.tolerances.missing_checksum = true;
            settings.tolerances.missing_cr_lf = true;
        },
        r#"
        > ENQ
        began
        send ACK
        > STX "1H|\^&\r" ETX
        note missing-checksum
        store 0
        ~ stored 0
        send ACK
        > 2:P|1\r ETX
        note missing-cr-lf
        note missing-checksum
        store 1
        ~ stored 1
        send ACK
        > STX "3L|1\r" ETX "\r\n" EOT
        note missing-checksum
        store 2 ends 4
        ~ stored 2
        send ACK
        ended
        "#,
    );
}

#[test]
fn a_new_frame_1_after_a_complete_message_is_refused_unless_a_missing_eot_is_tolerated() {
    let frames = r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        > 2:L|1\r ETX
        store 1 ends 4
        ~ stored 1
        send ACK
        > 1:H|\^&\r ETX
        ";
    check(&format!("{frames}\nnote wrong-frame-number\nsend NAK"));
    let tolerant = |settings: &mut crate::transfer::Settings| settings.tolerances.missing_eot = true;
    check_with(
        tolerant,
        &format!(
            r"
            {frames}
            note missing-eot
            ended
            began
            store 2
            ~ stored 2
            send ACK
            > 1:H|\^&|x\r ETX
            note changed-repeat
            send NAK
            "
        ),
    );
}

#[test]
fn a_message_of_one_frame_may_follow_another_without_eot() {
    check_with(
        |settings| settings.tolerances.missing_eot = true,
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\rL|1\r ETX
        store 0 ends 10
        ~ stored 0
        send ACK
        > 1:H|\^&\rL|1\r ETX
        note repeated-frame
        wait 1s
        send ACK
        > 1:H|\^&\rL|2\r ETX
        note missing-eot
        ended
        began
        store 1 ends 10
        ~ busy
        ~ stored 1
        send ACK
        > 1:H|\^&\rL|3\r ETX
        note busy
        send NAK
        ",
    );
}

#[test]
fn records_without_frames_are_noise_unless_they_are_tolerated() {
    check("> \"H|\\^&\\rL|1\\r\"\nnote noise\ntimer none");
}

#[test]
fn records_without_frames_become_parcels_and_are_never_answered() {
    check_with(
        |settings| settings.tolerances.raw_records = true,
        r#"
        > "H|\^&\rR|1|x\r\nL|1\n"
        note raw-records
        began
        store 0
        store 1
        store 2 ends 4
        ended
        timer none
        ~ stored 0
        ~ stored 1
        ~ stored 2
        > "H|\^&\r"
        note raw-records
        began
        store 3
        doing receiving records without frames
        timer 30s
        wait 30s
        cut silence
        "#,
    );
}

#[test]
fn framed_transfers_go_on_where_records_without_frames_are_tolerated() {
    check_with(
        |settings| settings.tolerances.raw_records = true,
        r#"
        > "H|\^&\r" ENQ
        note raw-records
        began
        store 0
        note restarted
        cut restarted
        began
        send ACK
        > 1:L|1\r ETX
        store 1 ends 4
        ~ stored 1
        send ACK
        > EOT
        ended
        "#,
    );
}

#[test]
fn a_message_of_ours_waits_for_the_end_of_records_without_frames() {
    check_with(
        |settings| settings.tolerances.raw_records = true,
        r#"
        > "H|"
        queue 1 L|1\r
        > "\^&\r"
        note raw-records
        began
        store 0
        > "L|1\r"
        store 1 ends 4
        ended
        send ENQ
        "#,
    );
}

#[test]
fn a_record_without_a_frame_that_is_too_long_and_never_ends_is_given_up_with_the_silence() {
    check_with(
        |settings| {
            settings.tolerances.raw_records = true;
            settings.max_frame_text = 10;
        },
        r#"
        > "H|this is longer than a record may be\r"
        note oversize-frame
        timer none
        > "H|this is longer than a record may be"
        timer 30s
        wait 30s
        note oversize-frame
        > ENQ
        began
        send ACK
        "#,
    );
}

#[test]
fn a_record_without_a_frame_that_can_not_be_stored_closes_the_connection() {
    let raw = |settings: &mut crate::transfer::Settings| settings.tolerances.raw_records = true;
    check_with(
        raw,
        r#"
        > "H|\^&\r"
        note raw-records
        began
        store 0
        ~ failed 0
        note raw-not-stored
        close unusable
        > "P|1\r"
        store 1
        ~ disconnected
        cut disconnected
        ~ failed 1
        "#,
    );
    check_with(raw, "~ busy\n> \"H|\\^&\\r\"\nnote raw-refused\nclose unusable");
}

#[test]
fn records_without_frames_keep_to_the_limits() {
    check_with(
        |settings| {
            settings.tolerances.raw_records = true;
            settings.max_transfer = 12;
            settings.max_frame_text = 8;
        },
        r#"
        > "H|\^&\r"
        note raw-records
        began
        store 0
        > "C|1|much too long for a record\r"
        note oversize-frame
        > "P|1|2|3\r"
        note oversize-transfer
        cut oversize
        close unusable
        > "H!\^&\r"
        note raw-records
        began
        store 2
        wait 30s
        cut silence
        > "L|1\r"
        note raw-records
        began
        store 3 ends 4
        ended
        "#,
    );
}

#[test]
fn half_a_record_without_a_frame_is_dropped_after_30_seconds() {
    check_with(
        |settings| settings.tolerances.raw_records = true,
        r#"
        > "H|\^"
        timer 30s
        wait 30s
        note broken-frame
        timer none
        "#,
    );
}

#[test]
fn records_without_frames_and_without_an_l_record_end_by_silence() {
    check_with(
        |settings| {
            settings.tolerances.raw_records = true;
            settings.end_mark = EndMark::EndOfTransfer;
        },
        r#"
        > "H|\^&\rR|1\r"
        note raw-records
        began
        store 0
        store 1
        wait 30s
        ended
        "#,
    );
}
