//! The code behind a run: its Snakefile, rules and configuration, highlighted by the server.

use super::prelude::*;
use model::RunId;
use view::code::CodeView;

/// The code of a run, or of one of its rules.
#[server(prefix = "/_fn", endpoint = "runs/code", input = Json)]
pub async fn read_code(id: RunId, rule: Option<String>) -> Result<CodeView, AppError> {
    let (state, viewer) = (state()?, viewer().map_err(fail)?);
    read::code::view(&state.reader, &viewer, id, rule.as_deref()).await.map_err(fail)
}
