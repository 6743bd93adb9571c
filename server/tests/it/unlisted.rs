//! Whatever a page leaves out of a list is counted, and a link leads there. Works without script.

use crate::lab::Lab;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::fs;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

/// Thirty jobs of `one` with an output and a benchmark file each; `split`, which makes 24 files, the first of which 120 jobs of
/// `use` read; `gather` with 510 inputs, 40 outputs and a log; and 61 rules with a job each.
const MANY: &str = "
    insert into job_executions (workflow_run_id, job_id, rule, informed, status, wildcards)
    select '{run}', n, 'one', true, 'success', jsonb_build_object('n', n) from generate_series(1, 30) n;
    insert into job_executions (workflow_run_id, job_id, rule, informed, status) values ('{run}', 100, 'split', true, 'success'), ('{run}', 101, 'gather', true, 'success');
    insert into job_executions (workflow_run_id, job_id, rule, informed, status) select '{run}', 200 + n, 'use', true, 'success' from generate_series(1, 120) n;
    insert into job_executions (workflow_run_id, job_id, rule, informed, status) select '{run}', 1000 + n, 'r' || lpad(n::text, 2, '0'), true, 'success' from generate_series(1, 61) n;
    insert into paths (workflow_run_id, path)
    select '{run}', path from (
        select 'one/' || n || '.txt' from generate_series(1, 30) n union all select 'bench/' || n || '.tsv' from generate_series(1, 30) n
         union all select 'chr/' || lpad(n::text, 2, '0') || '.vcf' from generate_series(1, 24) n
         union all select 'in/' || lpad(n::text, 4, '0') || '.bam' from generate_series(1, 510) n
         union all select 'out/' || lpad(n::text, 4, '0') || '.html' from generate_series(1, 40) n
         union all values ('gather.log')
         union all select 'rules/rule-' || lpad(n::text, 2, '0') || '.txt' from generate_series(1, 61) n) p(path);
    insert into job_files (job_execution_id, path_id, role, position)
    select j.id, p.id, role, row_number() over (partition by j.id, role order by p.id) - 1
      from job_executions j
     cross join (values ('output', 'one', 'one/'), ('benchmark', 'one', 'bench/'), ('output', 'split', 'chr/'), ('input', 'gather', 'in/'),
                        ('output', 'gather', 'out/'), ('log', 'gather', 'gather'), ('input', 'use', 'chr/01.vcf')) f(role, rule, begins)
      join paths p on p.workflow_run_id = j.workflow_run_id and starts_with(p.path, f.begins)
     where j.rule = f.rule and (j.rule <> 'one' or p.path ~ ('/' || j.job_id || '[.]'));
    insert into job_files (job_execution_id, path_id, role, position)
    select j.id, p.id, 'output', 0 from job_executions j join paths p on p.path = 'rules/rule-' || substr(j.rule, 2) || '.txt' where j.rule ~ '^r[0-9]';";

/// A run with more of everything than a list shows, and a viewer.
struct Much {
    lab: Lab,
    cookie: String,
    directory: tempfile::TempDir,
}

impl Much {
    async fn new() -> Self {
        let (lab, directory) = (Lab::new().await, tempfile::tempdir().expect("a directory"));
        let (owner, at) = (lab.owner, directory.path().display());
        lab.database
            .sql(&format!("insert into workflow_runs (id, workflow_name, user_id, directory) values ('{RUN}', 'much', {owner}, '{at}')"))
            .await;
        lab.database.sql(&MANY.replace("{run}", RUN)).await;
        let cookie = lab.session(lab.owner).await;
        Self { lab, cookie, directory }
    }

    /// A page, with plain spaces in its numbers.
    async fn page(&self, path: &str) -> String {
        let request = self.lab.request(Method::GET, path).header("cookie", &self.cookie);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.expect("a page").replace('\u{202f}', " ")
    }

    async fn tab(&self, query: &str) -> String {
        self.page(&format!("/runs/{RUN}?{query}")).await
    }

    async fn job(&self, number: i64) -> String {
        let query = format!("select id::text from job_executions where job_id = {number}");
        self.lab.database.text(&query).await.expect("the job")
    }

    /// Follows the link with these words to its page.
    async fn follow(&self, page: &str, words: &str) -> String {
        let at = page.find(&format!(">{words}<")).unwrap_or_else(|| panic!("nothing says {words}"));
        let link = page[..at].rsplit_once("<a ").and_then(|(_, link)| link.split_once("href=\"")).expect("a link").1;
        let to = link.split('"').next().expect("its end").replace("&amp;", "&");
        self.page(&to).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn results_count_the_outputs_jobs_and_rules_that_they_leave_out_and_lead_to_them() {
    let much = Much::new().await;
    let first = much.tab("tab=results").await;
    let rules = much.follow(&first, "5 more rules").await;
    let both = format!("{first}{rules}");
    for n in 1..=61 {
        assert_eq!(both.matches(&format!(">rule-{n:02}.txt<")).count(), 1, "the output of each rule, once: {n}");
    }

    let split = if first.contains(">12 more outputs<") { &first } else { &rules };
    assert!(split.contains(">12.vcf<") && !split.contains(">13.vcf<"));
    let all = much.follow(split, "12 more outputs").await;
    assert!((1..=24).all(|n| all.contains(&format!(">{n:02}.vcf<"))) && !all.contains("more outputs"));

    let one = if first.contains(">29 more jobs<") { &first } else { &rules };
    for n in 1..=25 {
        fs::create_dir_all(much.directory.path().join("bench")).expect("a directory");
        let figures = "s\th:m:s\tmax_rss\n1.5\t0:00:01\t20\n";
        fs::write(much.directory.path().join(format!("bench/{}.tsv", n + 5)), figures).expect("a file");
    }
    let jobs = much.follow(one, "29 more jobs").await;
    assert!(jobs.contains("Time and memory of 25 of 30 jobs, from their benchmark files"));
    assert!(jobs.contains(">30.txt<") && jobs.contains(">6.txt<") && !jobs.contains(">5.txt<"));
    let rest = much.follow(&jobs, "5 earlier jobs").await;
    assert!((1..=5).all(|n| rest.contains(&format!(">{n}.txt<"))) && !rest.contains("earlier jobs"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_count_what_they_leave_out_and_lead_to_it() {
    let much = Much::new().await;
    let map = much.tab("tab=files").await;
    assert!(map.contains(">21 more outputs<"), "of split");
    let gather = much.follow(&map, "507 more inputs").await;
    assert!(gather.contains("out/0040.html"), "a job with many inputs keeps its outputs");
    assert!(gather.contains("in/0060.bam") && !gather.contains("in/0061.bam"));

    let window = much.follow(&gather, "450 more inputs").await;
    assert!(window.contains("in/0061.bam") && window.contains("in/0260.bam") && !window.contains("in/0261.bam"));
    assert!(window.contains("From the start"));
    let window = much.tab(&format!("tab=files&of={}&as=input&after=400", much.job(101).await)).await;
    assert!(window.contains("in/0510.bam") && !window.contains("more inputs"));

    let found = much.tab("tab=files&find=bam").await;
    assert!(found.contains("in/0200.bam") && !found.contains("in/0201.bam"));
    let found = much.follow(&found, "310 more files").await;
    assert!(found.contains("in/0201.bam") && found.contains("110 more files"));

    let path = much.tab("tab=files&path=chr%2F01.vcf").await;
    let rest = much.follow(&path, "20 more jobs").await;
    assert!(!rest.contains("more jobs<") && !rest.contains("Made by") && rest.contains("All jobs of this file"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_details_of_a_job_keep_its_outputs_and_lead_to_the_other_inputs() {
    let much = Much::new().await;
    let gather = much.tab(&format!("job={}", much.job(101).await)).await;
    assert!(gather.contains("out/0001.html") && gather.contains("gather.log"));
    let window = much.follow(&gather, "10 more inputs").await;
    assert!(window.contains("in/0501.bam") && window.contains("in/0510.bam") && !window.contains("in/0500.bam"));

    let split = much.tab(&format!("job={}", much.job(100).await)).await;
    let users = much.follow(&split, "used by 120 jobs").await;
    assert!(users.contains("Used by") && users.contains(">20 more jobs<"));
    let look = much.tab("tab=results&file=%3Dchr%2F01.vcf").await;
    assert!(look.contains(">used by 120 jobs<"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_large_directory_leads_to_the_rest_of_its_entries_and_shows_the_one_that_is_open() {
    let much = Much::new().await;
    let top = much.directory.path();
    for n in 1..=510 {
        fs::create_dir_all(top.join(format!("large/sub-{n:03}"))).expect("a directory");
    }
    fs::write(top.join("large/sub-510/deep.txt"), "deep").expect("a file");
    for more in ["tab=results&tree=large", "tab=results&file=.%2Flarge"] {
        let first = much.tab(more).await;
        assert!(first.contains(">sub-500") && !first.contains(">sub-501"), "{more}");
        let rest = much.follow(&first, "10 more entries").await;
        assert!(rest.contains(">sub-501<") && rest.contains(">sub-510<") && !rest.contains(">sub-500<"), "{more}");
        assert!(rest.contains(">From the start<"), "{more}");
    }
    let open = much.tab("tab=results&tree=large%2Fsub-510").await;
    assert!(open.contains(">sub-510<") && open.contains(">deep.txt<"), "a directory beyond the first ones opens");

    let deep = (0..26).map(|n| format!("d{n}")).collect::<Vec<_>>().join("/");
    fs::create_dir_all(top.join(&deep)).expect("a directory");
    let way = percent_encoding::utf8_percent_encode(&deep, percent_encoding::NON_ALPHANUMERIC).to_string();
    let page = much.tab(&format!("tab=results&tree={way}")).await;
    assert!(page.contains(">d24<"), "the last one that is listed");
    let within = much.follow(&page, "d24").await;
    assert!(within.contains(">d25/<"), "is looked into");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rule_graph_has_all_rules_that_came_later() {
    let much = Much::new().await;
    much.lab
        .database
        .sql(&format!(
            "insert into job_executions (workflow_run_id, job_id, rule, informed, status) select '{RUN}', 2000 + n, 'later ' || n, true, 'success' from generate_series(1, 150) n;
             update workflow_runs set rule_graph = '{{\"nodes\": [{{\"rule\": \"one\"}}], \"links\": []}}'"
        ))
        .await;
    let request = much.lab.request(Method::POST, "/_fn/runs/graph").header("cookie", &much.cookie);
    let graph: serde_json::Value =
        request.json(&json!({ "id": RUN, "direction": "Down" })).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(graph["Drawn"]["names"].as_array().map(Vec::len), Some(215), "{graph}");
    let links = graph["Drawn"]["layout"]["lines"].as_array().map(Vec::len);
    assert_eq!(links, Some(1), "from split to use");
}
