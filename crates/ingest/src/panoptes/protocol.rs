//! What the protocol of Panoptes exports: routes of its clients and of its API, how clients are refused without ending a
//! run, and when their workflows are lost.

use super::reply;
use crate::protocol::{Connect, Protocol, Refusal, Route, Step, detail};
use axum::{http::Method, response::Response};
use model::access::Permission;
use store::sweep::Silence;

/// The refusal of a request to create a workflow. It may be 401, which clients understand here.
fn to_creation(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::SignIn | Refusal::Forbidden(_) => reply::sign_in(),
        other => to_any(other),
    }
}

/// The refusal of an update. It must not be 401 or 403: clients end the user's run at these.
fn to_update(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::SignIn | Refusal::Forbidden(_) => reply::not_allowed(),
        other => to_any(other),
    }
}

fn to_any(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::Unavailable => reply::unavailable("the database is not reachable"),
        Refusal::NoRoom => reply::unavailable("too many large updates are on their way"),
        Refusal::Body(status, why) => reply::refused(*status, why),
        other => detail(other),
    }
}

const fn client(method: Method, path: &'static str, is_large: bool, refuse: fn(&Refusal) -> Response) -> Route {
    Route { method, path, asks: Some(Permission::ReportByToken), is_large, refuse: Some(refuse) }
}

/// A route of the API, which people and their programs use.
const fn api(method: Method, path: &'static str, asks: Permission) -> Route {
    Route { method, path, asks: Some(asks), is_large: false, refuse: None }
}

/// What this protocol exports.
pub static PROTOCOL: Protocol = Protocol {
    source: "panoptes",
    routes: &[
        Route { method: Method::GET, path: "/api/service-info", asks: None, is_large: false, refuse: None },
        client(Method::GET, "/create_workflow", false, to_creation),
        client(Method::POST, "/create_workflow", false, to_creation),
        client(Method::POST, "/update_workflow_status", true, to_update),
        api(Method::GET, "/api/workflows", Permission::ReadRuns),
        api(Method::DELETE, "/api/workflows/all", Permission::ChangeRuns),
        api(Method::GET, "/api/workflow/{id}", Permission::ReadRuns),
        // With this request, some clients set the name of their run.
        Route { method: Method::PUT, path: "/api/workflow/{id}", asks: Some(Permission::Report), is_large: false, refuse: Some(detail) },
        api(Method::DELETE, "/api/workflow/{id}", Permission::ChangeRuns),
        api(Method::POST, "/api/workflow/{id}/cancel", Permission::ChangeRuns),
        api(Method::GET, "/api/workflow/{id}/jobs", Permission::ReadRuns),
        api(Method::GET, "/api/workflow/{id}/job/{jobid}", Permission::ReadRuns),
    ],
    // If the last report is an error and no job runs, the client has most likely ended.
    silence: |timeouts| Silence {
        source: "panoptes",
        is_named: false,
        beating: Some(timeouts.heartbeat),
        failing: Some(timeouts.heartbeat),
        quiet: timeouts.stale,
    },
    unsent: Some(
        "the rule graph (drawn from files that jobs share), code of rules, configuration, parameters of jobs, host, the end of a killed run; \
         with Snakemake 9 also working directory, command line, error texts, conda environments and cluster jobs",
    ),
    connect: Some(Connect {
        key: Some("older"),
        label: "5 to 8",
        steps: &[
            Step {
                title: "Give it a token",
                line: "export WMS_MONITOR_TOKEN=$(flowod token create --name snakemake --scope report)",
                copy: "Copy the token command",
                hint: &[],
            },
            Step {
                title: "Run as usual, with one more flag",
                line: "snakemake --wms-monitor {base_url} --cores 8",
                copy: "Copy the run command",
                hint: &[
                    "If you used Panoptes, your command already has this flag. Alternatively, ",
                    "flowod --panoptes-listen 127.0.0.1:5000",
                    " opens Panoptes' port, where programs on this machine need no token.",
                ],
            },
        ],
    }),
};
