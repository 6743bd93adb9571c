//! What the protocol of Flowo's plugin exports: three routes for reports, and when its runs are lost.

use crate::protocol::{Connect, Protocol, Route, Step, detail};
use axum::http::Method;
use model::access::Permission;
use store::sweep::Silence;

const fn report(path: &'static str, is_large: bool) -> Route {
    Route { method: Method::POST, path, asks: Some(Permission::Report), is_large, refuse: Some(detail) }
}

/// What this protocol exports.
pub static PROTOCOL: Protocol = Protocol {
    source: "flowo",
    routes: &[report("/api/v1/reports/", true), report("/api/v1/reports/heartbeat", false), report("/api/v1/reports/close", false)],
    silence: |timeouts| Silence {
        source: "flowo",
        is_named: false,
        beating: Some(timeouts.heartbeat),
        failing: Some(timeouts.quiet),
        quiet: Some(timeouts.quiet),
    },
    unsent: None,
    connect: Some(Connect {
        key: None,
        label: "Snakemake 9",
        steps: &[
            Step {
                title: "Add the logger to the environment Snakemake runs in",
                line: "pip install snakemake-logger-plugin-flowo",
                copy: "Copy the install command",
                hint: &[],
            },
            Step {
                title: "Run as usual, with one more flag",
                line: "snakemake --logger flowo --cores 8",
                copy: "Copy the run command",
                hint: &[
                    "Address and token for clients on this machine are in ",
                    "{client_config}",
                    ". On other machines, set FLOWO_HOST and FLOWO_USER_TOKEN; ",
                    "flowod token create --scope report",
                    " creates a token.",
                ],
            },
        ],
    }),
};
