//! An answer that leaves as the peer stops waiting for it, and counts for what the peer says next.

use std::time::Duration;

use labwire_link::{Action, Input, Link};

use super::bounds::start;
use super::script::{check, check_whole};
use crate::transfer::control::{ACK, ENQ, EOT};
use crate::transfer::{AstmLink, Settings};

#[test]
fn who_asks_again_and_goes_on_with_the_first_answer_gets_no_second() {
    check(
        r"
        > ENQ
        began
        send ACK
        > EOT
        note keep-alive
        ended
        > ENQ
        began
        > 1:H|\^&\r ETX
        note answered-before
        store 0
        ~ stored 0
        send ACK
        > 2:L|1\r ETX
        store 1 ends 4
        ",
    );
}

#[test]
fn who_asks_again_and_waits_is_answered_a_moment_later() {
    check(
        r"
        > ENQ
        began
        send ACK
        > EOT
        note keep-alive
        ended
        > ENQ
        began
        timer 1s
        wait 1s
        send ACK
        timer 30s
        > 1:H|\^&\r ETX
        store 0
        ",
    );
}

#[test]
fn who_asks_again_and_again_waits_for_a_moment_in_all() {
    check(
        r"
        > ENQ
        began
        send ACK
        > ENQ
        note restarted
        cut restarted
        began
        wait 0.6s
        > ENQ
        note restarted
        cut restarted
        began
        timer 400ms
        wait 0.4s
        send ACK
        ",
    );
    check(
        r"
        > ENQ
        began
        send ACK
        > EOT
        note keep-alive
        ended
        > ENQ
        began
        wait 0.6s
        > EOT
        note keep-alive
        ended
        timer none
        wait 0.6s
        > ENQ
        began
        send ACK
        ",
    );
}

#[test]
fn who_gave_up_on_a_frame_may_have_its_answer_when_it_asks_again() {
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
        > 1:H|\^&\r ETX
        note answered-before
        store 1
        ",
    );
}

#[test]
fn who_ended_a_message_is_answered_at_once_unless_it_may_have_waited_in_vain() {
    let message = |disk: &str, eot: &str| {
        format!(
            r"
            > ENQ
            began
            send ACK
            > 1:H|\^&\rL|1\r ETX
            store 0 ends 10
            {disk}
            ~ stored 0
            send ACK
            {eot}
            > EOT
            ended
            > ENQ
            began
            "
        )
    };
    check(&format!("{}\nsend ACK", message("wait 0.2s", "wait 0.2s")));
    // The disk was slow; or we were held up with the answer.
    for (disk, eot) in [("wait 15s", ""), ("", "wait 15s")] {
        let crossed = "> 1:H|\\^&\\rL|1\\r ETX\nnote answered-before\nstore 1 ends 10";
        check(&format!("{}\n{crossed}", message(disk, eot)));
    }
}

/// A host that was held up comes late to its own timer, before it has read what waits.
#[test]
fn who_asked_again_is_not_answered_by_who_has_not_listened_meanwhile() {
    let mut link = AstmLink::new(Settings::default());
    let mut now = start();
    let mut hear = |link: &mut AstmLink, after: f64, input: Input<'_>| {
        now += Duration::from_secs_f64(after);
        link.handle(now, input);
        let said = |action: Action| if let Action::Transmit(bytes) = action { bytes } else { Vec::new() };
        std::iter::from_fn(|| link.poll()).flat_map(said).collect::<Vec<u8>>()
    };
    assert_eq!(hear(&mut link, 0.0, Input::Bytes(&[ENQ])), [ACK]);
    assert_eq!(hear(&mut link, 0.1, Input::Bytes(&[EOT, ENQ])), []);
    assert_eq!(hear(&mut link, 15.0, Input::Tick), []);
    assert_eq!(hear(&mut link, 0.0, Input::Bytes(&[EOT, ENQ])), []);
    assert_eq!(hear(&mut link, 1.0, Input::Tick), [ACK]);
}

/// What a host finds that was held up: its answer comes to a peer that has ended already.
#[test]
fn who_ended_before_the_last_answer_may_have_it_when_it_asks_again() {
    check_whole(
        r"
        > ENQ
        began
        send ACK
        > 1:H|\^&\rL|1\r ETX EOT
        store 0 ends 10
        ~ stored 0
        send ACK
        ended
        > ENQ
        began
        > 1:H|\^&\rL|2\r ETX
        note answered-before
        store 1 ends 10
        ",
    );
}

#[test]
fn who_sends_a_frame_again_and_goes_on_with_the_first_answer_gets_no_second() {
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
        > 2:L|1\r ETX
        note answered-before
        store 1 ends 4
        ~ stored 1
        send ACK
        ",
    );
}

#[test]
fn who_is_sending_a_frame_is_not_answered_in_the_middle_of_it() {
    check(
        r#"
        > ENQ
        began
        send ACK
        > EOT
        note keep-alive
        ended
        > ENQ
        began
        wait 0.9s
        > STX "1H|\^"
        wait 0.2s
        > "&\r" ETX "E5" CR LF
        note answered-before
        store 0
        "#,
    );
}

#[test]
fn a_new_connection_owes_nothing() {
    check(
        r"
        > ENQ
        began
        send ACK
        > EOT
        note keep-alive
        ended
        > ENQ
        began
        ~ disconnected
        cut disconnected
        timer none
        ~ connected
        > ENQ
        began
        send ACK
        ",
    );
}
