//! What stands at which address of the page. Tests walk through the views, so that none is forgotten.

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use super::{
    Page, act, alarm_list, analyzer, assets, bench, call, destination, downtime, exposition, health, hold,
    lists, machine, misread, orders, problem, qc, raw, reconciliation, resend, several, sign_in, specimen,
    wall,
};

type Answer = fn() -> MethodRouter<Page>;

/// What people look at. Some take a form at the same address.
const VIEWS: &[(&str, Answer)] = &[
    ("/", || get(bench::show)),
    ("/wall", || get(wall::show)),
    ("/alarms", || get(alarm_list::show).post(alarm_list::record)),
    ("/analyzer/{name}", || get(analyzer::show)),
    ("/destination/{name}", || get(destination::show)),
    ("/specimen", || get(specimen::show)),
    ("/message/{id}", || get(raw::message)),
    ("/delivery/{id}", || get(raw::delivery)),
    ("/problems", || get(lists::problems)),
    ("/problem/{id}", || get(problem::show)),
    ("/call/{id}", || get(call::show).post(call::record)),
    ("/sign-in", || get(sign_in::show).post(sign_in::sign_in)),
    ("/set-up", || get(sign_in::show_set_up).post(sign_in::set_up)),
    ("/downtime", || get(downtime::show).post(downtime::keep)),
    ("/downtime/{id}", || get(downtime::since)),
    ("/held", || get(lists::held)),
    ("/held/several", || get(several::show).post(several::release)),
    ("/held/{id}", || get(hold::show)),
    ("/dead-letters", || get(lists::dead_letters)),
    ("/reconciliation", || get(reconciliation::show).post(reconciliation::see)),
    ("/resend", || get(resend::show).post(resend::send)),
    ("/qc", || get(qc::show).post(qc::say)),
    ("/orders", || get(orders::show)),
    ("/misread", || get(misread::show).post(misread::record)),
];

/// What only takes forms, and shows what was done.
const FORMS: &[(&str, Answer)] = &[
    ("/decide", || post(act::decide)),
    ("/sign-off", || post(reconciliation::sign)),
    ("/sign-out", || post(sign_in::sign_out)),
    ("/back", || post(sign_in::back)),
    ("/pin", || post(sign_in::choose_pin)),
];

/// What browsers and programs fetch. What is under `/api/v1` stands in `api.rs`.
const FETCHED: &[(&str, Answer)] = &[
    ("/api/status", || get(machine::status)),
    ("/metrics", || get(exposition::show)),
    ("/health", || get(health::health)),
    ("/ready", || get(health::ready)),
    ("/assets/{name}", || get(assets::show)),
];

pub(super) fn router() -> Router<Page> {
    let all = VIEWS.iter().chain(FORMS).chain(FETCHED);
    all.fold(Router::new(), |router, (path, answer)| router.route(path, answer()))
}

/// Whether a view stands at this path.
pub(super) fn is_view(path: &str) -> bool {
    let is_at = |view: &str| {
        let (mut ours, mut theirs) = (view.split('/'), path.split('/'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(it), Some(other)) if it == other || (it.starts_with('{') && !other.is_empty()) => {}
                _ => return false,
            }
        }
    };
    views().any(is_at)
}

/// The addresses that only take forms.
pub fn forms() -> impl Iterator<Item = &'static str> {
    FORMS.iter().map(|(path, _)| *path)
}

/// The address of each view, with `{…}` where it differs.
pub fn views() -> impl Iterator<Item = &'static str> {
    VIEWS.iter().map(|(path, _)| *path)
}
