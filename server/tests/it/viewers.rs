//! Previews of files over HTTP: nested files, truncated files, files that refer to others, and directories.

use crate::lab::Lab;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// A run in its own directory, and a session of somebody who may look into it.
struct Ran {
    id: String,
    cookie: String,
    base: tempfile::TempDir,
}

impl Ran {
    async fn begin(lab: &Lab) -> Self {
        let base = tempfile::tempdir().expect("a directory");
        let id = uuid::Uuid::now_v7().to_string();
        let context = json!({ "current_workflow_id": null, "dryrun": false, "jobs": {}, "logfile": base.path().join("run.log"),
                              "flowo_project_name": "viewers", "flowo_tags": [], "workdir": base.path() });
        let started = json!({ "workflow_id": id, "snakefile": "Snakefile", "rules": [] });
        assert_eq!(lab.event("workflow_started", started, context).await.status(), StatusCode::OK);
        Self { id, cookie: lab.session(lab.owner).await, base }
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path: PathBuf = self.base.path().join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    }

    /// The preview of something below the run's directory.
    async fn look(&self, lab: &Lab, way: &str) -> Value {
        let body = json!({ "id": self.id, "file": { "Under": way }, "at": 0 });
        let request = lab.request(Method::POST, "/_fn/results/preview").header("cookie", &self.cookie).json(&body);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    /// The HTML of a preview.
    async fn html(&self, lab: &Lab, way: &str) -> String {
        let found = self.look(lab, way).await;
        found["Ok"][1]["Still"]["html"].as_str().unwrap_or_else(|| panic!("{way}: {found}")).to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn values_that_nest_deep_are_shown_whole() {
    let lab = Lab::new().await;
    let ran = Ran::begin(&lab).await;
    let mut tree = json!({ "name": "leaf" });
    for level in 0..40 {
        tree = json!({ "name": format!("node {level}"), "children": [tree, { "name": format!("tip {level}") }] });
    }
    ran.write("tree.json", json!({ "tree": tree }).to_string());
    ran.write("nested.json", format!("{}{}", "[".repeat(100), "]".repeat(100)));

    let (tree, nested) = (ran.html(&lab, "tree.json").await, ran.html(&lab, "nested.json").await);

    assert!(tree.contains("leaf") && tree.contains("tip 0") && tree.contains("node 39"), "{tree}");
    assert_eq!(nested.matches("<details").count(), 99, "{nested}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_directory_lists_and_a_report_leads_to_what_lies_beside_it() {
    let lab = Lab::new().await;
    let ran = Ran::begin(&lab).await;
    ran.write("out/report.md", "![plot](plot.png) [table](../tables/a.csv) [out](../../x)");
    ran.write("out/plot.png", b"\x89PNG\r\n\x1a\n");
    ran.write("tables/inner/b.txt", "x");

    let (report, folder) = (ran.html(&lab, "out/report.md").await, ran.html(&lab, "tables").await);

    let id = &ran.id;
    assert!(report.contains(&format!("src=\"/runs/{id}/raw?file=.%2Fout%2Fplot.png\"")), "{report}");
    assert!(report.contains(&format!("href=\"/runs/{id}?tab=results&amp;file=.%2Ftables%2Fa.csv\"")), "{report}");
    assert_eq!(report.matches("href=").count(), 1, "{report}");
    assert!(folder.contains(&format!("href=\"/runs/{id}?tab=results&amp;file=.%2Ftables%2Finner\"")), "{folder}");
    let picture = lab.get(&format!("/runs/{id}/raw?file=.%2Fout%2Fplot.png")).header("cookie", &ran.cookie);
    assert!(picture.send().await.expect("an answer").status().is_redirection(), "a ticket for the picture");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_that_lacks_its_end_says_so() {
    let lab = Lab::new().await;
    let ran = Ran::begin(&lab).await;
    ran.write("cut.json", r#"{"a": 1, "b": [1, 2"#);
    ran.write("cut.fastq", "@r1\nACGT\n+\nIIII\n@r2\nAC");

    let (values, reads) = (ran.html(&lab, "cut.json").await, ran.look(&lab, "cut.fastq").await);

    assert!(values.contains("This file ends too early") && values.contains("<b>a</b>"), "{values}");
    assert_eq!(reads["Ok"][1]["Sequences"]["ends"], "early", "{reads}");
}
