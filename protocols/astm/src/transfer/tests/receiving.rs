//! What the receiving half does by the standard, timer by timer.

use super::script::{check, check_with};

#[test]
fn a_message_is_received_frame_by_frame() {
    check(
        r"
        doing waiting for a transmission
        > ENQ
        began
        send ACK
        doing receiving a transmission
        > 1:H|\^&\r ETX
        store 0
        doing storing a frame
        ~ stored 0
        send ACK
        > 2:R|1|^^^687|7.4\r ETX
        store 1
        ~ stored 1
        send ACK
        > 3:L|1|N\r ETX
        store 2 ends 6
        ~ stored 2
        send ACK
        > EOT
        ended
        doing waiting for a transmission
        timer none
        ",
    );
}

#[test]
fn a_record_goes_on_in_the_next_frame_after_etb() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&|||Host ETB
        store 0
        ~ stored 0
        send ACK
        > 2:name|||\rL| ETB
        store 1
        ~ stored 1
        send ACK
        > 3:1|N\r ETX
        store 2 ends 4
        ~ stored 2
        send ACK
        > EOT
        ended
        ",
    );
}

#[test]
fn between_transmissions_everything_but_enq_is_ignored() {
    check(
        r#"
        > "noise\r\n" ACK NAK EOT STX "1H|" ETX
        note noise
        timer none
        > ENQ
        began
        send ACK
        "#,
    );
}

#[test]
fn the_first_frame_must_be_frame_1() {
    for number in [0, 2, 3, 4, 5, 6, 7] {
        check(&format!(
            r"
            > ENQ
            began
            send ACK
            > {number}:H|\^&\r ETX
            note wrong-frame-number
            send NAK
            > 1:H|\^&\r ETX
            store 0
            "
        ));
    }
}

#[test]
fn frame_numbers_start_at_1_again_in_every_transfer() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        > EOT
        ended
        > ENQ
        began
        wait 1s
        send ACK
        > 2:L|1\r ETX
        note wrong-frame-number
        send NAK
        > 1:H|\^&\r ETX
        store 1
        ~ stored 1
        send ACK
        ",
    );
}

#[test]
fn a_silent_peer_is_cut_off_30_seconds_after_its_enq() {
    check(
        r"
        > ENQ
        began
        send ACK
        timer 30s
        wait 29.9s
        wait 0.1s
        cut silence
        timer none
        > 1:H|\^&\r ETX
        note noise
        ",
    );
}

#[test]
fn a_silent_peer_is_cut_off_30_seconds_after_our_last_answer() {
    check(
        r"
        > ENQ
        began
        send ACK
        wait 20s
        > 1:H|\^&\r ETX
        store 0
        wait 5s
        ~ stored 0
        send ACK
        timer 30s
        wait 20s
        > bad 2:L|1\r ETX
        note bad-checksum
        send NAK
        timer 30s
        wait 30s
        cut silence
        ",
    );
}

#[test]
fn noise_does_not_keep_a_transfer_alive() {
    check(
        r#"
        > ENQ
        began
        send ACK
        wait 20s
        > "\x00\x00"
        note noise
        wait 10s
        cut silence
        "#,
    );
}

#[test]
fn a_frame_that_takes_longer_than_the_timer_is_still_received() {
    check(
        r#"
        > ENQ
        began
        send ACK
        wait 25s
        > STX "1H|\^&|||"
        wait 25s
        > "slow line"
        timer 30s
        wait 25s
        > "|||\r" ETX
        wait 25s
        > "5A\r\n"
        store 0
        ~ stored 0
        send ACK
        "#,
    );
}

#[test]
fn a_frame_that_breaks_off_is_cut_30_seconds_after_its_last_byte() {
    check(
        r#"
        > ENQ
        began
        send ACK
        > STX "1H|\^&"
        wait 30s
        note broken-frame
        cut silence
        > ENQ
        began
        wait 1s
        send ACK
        "#,
    );
}

#[test]
fn an_eot_after_half_a_frame_ends_the_transfer_once_the_line_is_quiet() {
    check(
        r#"
        > ENQ
        began
        send ACK
        > STX "1H|\^&" EOT
        timer 1s
        wait 1s
        note broken-frame
        note keep-alive
        ended
        "#,
    );
}

#[test]
fn an_enq_after_half_a_frame_restarts_the_transfer_once_the_line_is_quiet() {
    check(
        r#"
        > ENQ
        began
        send ACK
        > STX "1H|\^&" EOT ENQ
        wait 1s
        note broken-frame
        note restarted
        cut restarted
        began
        wait 1s
        send ACK
        "#,
    );
}

#[test]
fn a_flipped_bit_that_makes_an_enq_or_eot_is_no_enq_or_eot() {
    check(
        r#"
        > ENQ
        began
        send ACK
        > STX "1H|\^&||" ENQ EOT "\r" ETX "00\r\n"
        note bad-checksum
        send NAK
        > STX "1H|\^&||" ETX "3" EOT "\r\n"
        note bad-checksum
        send NAK
        "#,
    );
}

#[test]
fn a_damaged_frame_gets_one_nak_when_it_ends() {
    check(
        r#"
        > ENQ
        began
        send ACK
        > STX "noise" 1:H|\^&\r ETX
        note bad-checksum
        send NAK
        > STX "1lost its ETX 33\r\n"
        note bad-frame-end
        send NAK
        > STX ETX SUM CR LF
        note bad-frame-number
        send NAK
        > STX "9H|" ETX SUM CR LF
        note bad-frame-number
        send NAK
        > STX "1H|" ETX "zz\r\n"
        note bad-checksum
        send NAK
        > STX "1H|" ETX "8\r\n"
        note bad-frame-end
        send NAK
        > STX "1H|" ETX SUM "X\n"
        note bad-frame-end
        send NAK
        "#,
    );
}

#[test]
fn text_with_a_forbidden_control_byte_is_refused() {
    for byte in (0x01..=0x06).chain([0x0A]).chain(0x10..=0x17).filter(|byte| ![3, 0x17].contains(byte)) {
        check(&format!(
            r"
            > ENQ
            began
            send ACK
            > 1:H|\x{byte:02X}\r ETX
            note forbidden-byte
            send NAK
            "
        ));
    }
}

#[test]
fn text_may_hold_tabs_and_any_byte_from_80_up() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&|||\x09\xB5g/L \xC2\xB5\xFF\x80\r ETX
        store 0
        ",
    );
}

#[test]
fn a_busy_journal_answers_nak_and_no_transfer_begins() {
    check(
        r"
        ~ busy
        > ENQ
        note busy
        send NAK
        timer none
        > 1:H|\^&\r ETX
        note noise
        ~ open
        > ENQ
        began
        send ACK
        ",
    );
}

#[test]
fn a_running_transfer_goes_on_when_the_journal_becomes_busy() {
    check(
        r"
        > ENQ
        began
        send ACK
        ~ busy
        > 1:H|\^&\rL|1\r ETX
        store 0 ends 10
        ~ stored 0
        send ACK
        > EOT ENQ
        ended
        note busy
        send NAK
        ",
    );
}

#[test]
fn several_messages_in_one_transfer_and_in_one_frame_end_where_they_end() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\rL|1\rH!\^&\rL!1\rH|\^ ETB
        store 0 ends 10,20
        ~ stored 0
        send ACK
        > 2:&\rL|1 ETX
        store 1 ends 5
        ~ stored 1
        send ACK
        > EOT
        ended
        ",
    );
}

#[test]
fn a_record_that_ends_without_cr_is_remarked_upon() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^& ETX
        note missing-record-end
        store 0
        ",
    );
}

#[test]
fn a_connection_lost_in_mid_transfer_cuts_it() {
    check(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        ~ disconnected
        cut disconnected
        doing waiting for a connection
        timer none
        ~ connected
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 1
        ",
    );
}

#[test]
fn a_frame_of_240_and_one_of_64_000_bytes_are_received() {
    for length in [240, 63_993, 64_000] {
        let text = "x".repeat(length - 6);
        check(&format!(
            r"
            > ENQ
            began
            send ACK
            > 1:C|1|{text}\r ETX
            store 0
            ~ stored 0
            send ACK
            "
        ));
    }
}

#[test]
fn a_frame_longer_than_the_limit_is_refused_and_the_next_one_is_received() {
    let text = "x".repeat(64_000);
    check(&format!(
        r"
        > ENQ
        began
        send ACK
        > 1:{text}\r ETX
        note oversize-frame
        send NAK
        > 1:{text}{text}\r ETX
        note oversize-frame
        send NAK
        > 1:H|\^&\r ETX
        store 0
        "
    ));
}

#[test]
fn a_transfer_larger_than_its_limit_is_cut() {
    check_with(
        |settings| settings.max_transfer = 11,
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 0
        ~ stored 0
        send ACK
        > 2:P|1|x\r ETX
        note oversize-transfer
        cut oversize
        send NAK
        timer none
        > ENQ
        began
        send ACK
        > 1:H|\^&\r ETX
        store 1
        ",
    );
}

#[test]
fn every_timer_can_be_set_per_instrument() {
    check_with(
        |settings| settings.timing.receive = std::time::Duration::from_secs(15),
        r"
        > ENQ
        began
        send ACK
        wait 15s
        cut silence
        ",
    );
}
