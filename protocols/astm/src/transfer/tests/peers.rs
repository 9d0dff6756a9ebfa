//! What other receivers and senders get wrong, each as a test of ours, and what single vendors do.

use super::script::{check, check_whole, check_with};
use crate::transfer::{EndMark, RecordEnd};

#[test]
fn a_frame_split_over_two_reads_is_accepted() {
    check(
        r#"
        > ENQ
        began
        send ACK
        > STX "1H|\^"
        > "&\r" ETX "E"
        wait 2s
        > "5\r"
        > LF
        store 0
        ~ stored 0
        send ACK
        "#,
    );
}

#[test]
fn eot_and_enq_in_one_read_do_not_lose_the_enq() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\rL|1\r ETX
        store 0 ends 10
        ~ stored 0
        send ACK
        > EOT ENQ
        ended
        began
        send ACK
        ",
    );
}

#[test]
fn a_repeated_frame_is_acknowledged_and_not_stored_twice() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        > 1:H|\^&\r ETX
        note repeated-frame
        wait 1s
        send ACK
        > 1:H|\^&\r ETX
        note repeated-frame
        wait 1s
        send ACK
        > 2:L|1\r ETX
        store 1 ends 4
        ",
    );
}

#[test]
fn the_same_frame_number_with_other_content_is_refused() {
    for other in [r"1:H|\^&|x\r ETX", r"1:H|\^&\r ETB"] {
        check(&format!(
            r"
            > ENQ
            began
            send ACK
            > 1:H|\^&\r ETX
            store 0
            ~ stored 0
            send ACK
            > {other}
            note changed-repeat
            send NAK
            > 2:L|1\r ETX
            store 1 ends 4
            "
        ));
    }
}

#[test]
fn a_bad_checksum_is_refused_on_an_etb_frame_as_on_an_etx_frame() {
    for end in ["ETB", "ETX"] {
        check(&format!(
            r"
            > ENQ
            began
            send ACK
            > bad 1:H|\^&\r {end}
            note bad-checksum
            send NAK
            > 1:H|\^&\r {end}
            store 0
            "
        ));
    }
}

#[test]
fn a_gap_in_the_frame_numbers_is_refused() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        > 3:L|1\r ETX
        note wrong-frame-number
        send NAK
        > 0:L|1\r ETX
        note wrong-frame-number
        send NAK
        > 2:L|1\r ETX
        store 1 ends 4
        ",
    );
}

#[test]
fn frame_numbers_come_round_from_7_to_0() {
    let mut script = r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        "
    .to_owned();
    for parcel in 1..=16 {
        let number = (parcel + 1) % 8;
        script += &format!("> {number}:C|{parcel}|L|1\\r ETX\nstore {parcel}\n~ stored {parcel}\nsend ACK\n");
    }
    check(&script);
}

#[test]
fn our_own_frame_numbers_come_round_from_7_to_0() {
    let comments: String = (1..=10).map(|n| format!(r"C|{n}\r")).collect();
    let mut script = format!("queue 1 H|\\^&\\r{comments}L|1\\r\nsend ENQ\n> ACK\nsend 1:H|\\^&\\r ETX\n");
    for n in 1..=10 {
        script += &format!("> ACK\nsend {}:C|{n}\\r ETX\n", (n + 1) % 8);
    }
    check(&(script + "> ACK\nsend 4:L|1\\r ETX\n> ACK\nsend EOT\nsent 1 delivered"));
}

#[test]
fn the_checksum_of_an_etb_frame_is_computed_with_etb() {
    check_with(
        |settings| settings.emit.max_text = 4,
        r#"
        queue 1 H|\^&\r
        send ENQ
        > ACK
        send STX "1H|\^" ETB "C6\r\n"
        > ACK
        send STX "2&\r" ETX "68\r\n"
        "#,
    );
}

#[test]
fn after_a_nak_the_same_frame_is_sent_and_never_the_next() {
    check(
        r"
        queue 1 H|\^&\rL|1\r
        send ENQ
        > ACK
        send 1:H|\^&\r ETX
        > NAK
        note frame-refused
        send 1:H|\^&\r ETX
        > NAK
        note frame-refused
        send 1:H|\^&\r ETX
        > ACK
        send 2:L|1\r ETX
        > NAK
        note frame-refused
        send 2:L|1\r ETX
        > ACK
        send EOT
        sent 1 delivered
        ",
    );
}

#[test]
fn a_latin_1_micro_sign_is_stored_byte_for_byte() {
    check(
        r#"
        > ENQ
        began
        send ACK
        > STX "1R|1||7|\xB5mol/l\r" ETX "83\r\n"
        store 0
        ~ stored 0
        send ACK
        "#,
    );
}

#[test]
fn a_message_is_complete_with_its_l_record_and_needs_no_eot() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\rR|1|x\rL|1\r ETX
        store 0 ends 16
        ~ stored 0
        send ACK
        ~ disconnected
        cut disconnected
        ",
    );
}

#[test]
fn two_answers_in_one_read_are_not_credited_to_two_frames() {
    check_whole(
        r"
        queue 1 H|\^&\rL|1\r
        send ENQ
        > ACK ACK
        send 1:H|\^&\r ETX
        note stray-answer
        > NAK ACK
        note frame-refused
        send 1:H|\^&\r ETX
        note stray-answer
        > ACK
        send 2:L|1\r ETX
        ",
    );
}

#[test]
fn a_vendor_that_ends_every_record_but_the_last_with_etb_is_received_and_sent_to() {
    check_with(
        |settings| settings.emit.record_end = RecordEnd::Etb,
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETB
        store 0
        ~ stored 0
        send ACK
        > 2:P|1\r ETB
        store 1
        ~ stored 1
        send ACK
        > 3:L|1\r ETX
        store 2 ends 4
        ~ stored 2
        send ACK
        > EOT
        ended
        queue 1 H|\^&\rP|1\rL|1\r
        send ENQ
        > ACK
        send 1:H|\^&\r ETB
        > ACK
        send 2:P|1\r ETB
        > ACK
        send 3:L|1\r ETX
        > ACK
        send EOT
        sent 1 delivered
        ",
    );
}

#[test]
fn a_vendor_that_sends_the_next_block_after_the_second_nak_loses_nothing_unnoticed() {
    check(
        r"
        > ENQ
        began
        send ACK
        > bad 1:H|\^&\r ETX
        note bad-checksum
        send NAK
        > bad 1:H|\^&\r ETX
        note bad-checksum
        send NAK
        > 2:R|1\r ETX
        note wrong-frame-number
        send NAK
        > EOT
        ended
        ",
    );
}

#[test]
fn a_vendor_without_an_l_record_ends_its_message_by_eot() {
    check_with(
        |settings| settings.end_mark = EndMark::EndOfTransfer,
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\rR|1|x\rL|1\r ETX
        store 0
        ~ stored 0
        send ACK
        > EOT
        ended
        ",
    );
}

#[test]
fn a_vendor_that_asks_again_after_a_busy_host_is_let_in() {
    let mut script = "~ busy\n".to_owned();
    for _ in 0..6 {
        script += "> ENQ\nnote busy\nsend NAK\nwait 10s\n";
    }
    check(&(script + "~ open\n> ENQ\nbegan\nsend ACK"));
}
