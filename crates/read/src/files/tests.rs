//! Attempts to get around the checks: names, links, encodings, and directories that move. Real files, no routes.

use super::*;
use model::log::Wanted;
use std::{
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{FileExt as _, symlink},
    },
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

const SECRET: &str = "SECRET";

/// A run's directory beside a secret, with every kind of file and link in it.
fn run_directory() -> (tempfile::TempDir, PathBuf) {
    let base = tempfile::tempdir().unwrap();
    let run = base.path().join("run");
    fs::create_dir_all(run.join("out/deep")).unwrap();
    fs::write(base.path().join("secret.txt"), SECRET).unwrap();
    fs::write(run.join("a.txt"), "inside").unwrap();
    fs::write(run.join("out/b.txt"), "inside").unwrap();
    let links = [
        ("link-in", PathBuf::from("out/b.txt")),
        ("out/deep/up-in", "../../a.txt".into()),
        ("abs-in", run.join("a.txt")),
        ("link-out", "../secret.txt".into()),
        ("abs-out", base.path().join("secret.txt")),
        ("dir-out", "..".into()),
        ("dir-abs", base.path().to_owned()),
        ("dir-chain", "dir-abs".into()),
        ("loop", "loop".into()),
        ("proc", "/proc/self".into()),
        ("root", "/".into()),
        ("dangling", "nothing".into()),
    ];
    for (name, to) in links {
        symlink(to, run.join(name)).unwrap();
    }
    assert!(std::process::Command::new("mkfifo").arg(run.join("pipe")).status().unwrap().success());
    (base, run)
}

/// A gate that never starts a process to examine a file.
fn gate() -> RunFiles {
    RunFiles::new(Roots::default(), Guard::default(), "/bin/false".into(), store::clock::system())
}

fn reach(run: &Path) -> Reach {
    Reach { directory: Some(run.to_owned()), extent: FileReach::Machine, account: "owner".into(), beneath: true }
}

async fn text(gate: &RunFiles, run: &Path, path: impl AsRef<Path>, named: bool) -> Result<String, NoFile> {
    let window = gate.slice(&Reach { beneath: !named, ..reach(run) }, path.as_ref(), ByteRange::From(0, 4096)).await?;
    Ok(String::from_utf8_lossy(&window.bytes).into_owned())
}

#[tokio::test]
async fn files_and_links_that_stay_inside_are_read() {
    let (_base, run) = run_directory();
    let gate = gate();
    for path in ["a.txt", "./out/../a.txt", "out//b.txt", "link-in", "out/deep/up-in", "abs-in"] {
        assert_eq!(text(&gate, &run, path, false).await.as_deref(), Ok("inside"), "{path}");
    }
    assert_eq!(text(&gate, &run, run.join("a.txt"), false).await.as_deref(), Ok("inside"));
}

#[tokio::test]
async fn everything_else_says_what_it_is() {
    let (base, run) = run_directory();
    let gate = gate();
    let cases = [
        ("nothing", NoFile::Missing),
        ("dangling", NoFile::Missing),
        ("a.txt/b", NoFile::Missing),
        ("out", NoFile::Directory),
        (".", NoFile::Directory),
        ("pipe", NoFile::Special),
        ("link-out", NoFile::Outside),
        ("abs-out", NoFile::Outside),
        ("dir-out/secret.txt", NoFile::Outside),
        ("dir-abs/secret.txt", NoFile::Outside),
        ("dir-chain/secret.txt", NoFile::Outside),
        ("root/etc/hostname", NoFile::Outside),
        ("proc/environ", NoFile::Outside),
        ("../secret.txt", NoFile::Outside),
        ("/etc/passwd", NoFile::Outside),
        ("", NoFile::NotAPath),
        ("a\0.txt", NoFile::NotAPath),
    ];
    for (path, why) in cases {
        assert_eq!(text(&gate, &run, path, false).await, Err(why), "{path:?}");
    }
    assert!(matches!(text(&gate, &run, "loop", false).await, Err(NoFile::Other(_) | NoFile::Outside)));
    assert_eq!(text(&gate, &run, "x".repeat(300), false).await, Err(NoFile::NotAPath));

    // Paths that the run itself named lead further, but not to files of the kernel.
    assert_eq!(text(&gate, &run, base.path().join("secret.txt"), true).await.as_deref(), Ok(SECRET));
    for path in ["/proc/self/environ", "/proc/self/cmdline", "/dev/zero", "/dev/null", "/sys/kernel/uevent_seqnum", "proc/environ"] {
        assert_eq!(text(&gate, &run, path, true).await, Err(NoFile::Special), "{path}");
    }
}

#[tokio::test]
async fn no_way_of_saying_it_leads_out() {
    let (base, run) = run_directory();
    let gate = gate();
    let steps = [
        "..",
        ".",
        "",
        "out",
        "...",
        "....",
        "..;",
        "..\\",
        "%2e%2e",
        "%2e%2e%2f",
        "..%2f",
        "%252e%252e",
        "..%c0%af",
        "\u{ff0e}\u{ff0e}",
        "\u{2025}",
        "~",
        "dir-out",
        "dir-abs",
        "dir-chain",
        "proc",
        "root",
        "loop",
    ];
    let outside = base.path().display().to_string();
    let ends =
        ["secret.txt".to_owned(), format!("{outside}/secret.txt"), "root/etc/passwd".into(), "cwd/../secret.txt".into(), "environ".into()];
    let mut asked = 0;
    for first in steps {
        for second in steps {
            for (at, end) in ends.iter().enumerate() {
                let slash = ["/", "//", "/./", "\\", "/"][at];
                for path in [
                    format!("{first}/{second}{slash}{end}"),
                    format!("/{first}/{second}{slash}{end}"),
                    format!("{}/{first}/{second}/{end}", run.display()),
                ] {
                    let found = text(&gate, &run, &path, false).await;
                    assert!(found.as_deref().is_err() || found.as_deref() == Ok("inside"), "{path:?} gave {found:?}");
                    asked += 1;
                }
            }
        }
    }
    assert!(asked >= 2_000, "{asked} ways");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_becomes_a_link_while_it_is_read_leads_nowhere() {
    let (base, run) = run_directory();
    fs::create_dir(run.join("swap")).unwrap();
    fs::write(run.join("swap/secret.txt"), "inside").unwrap();
    symlink(base.path(), run.join("trap")).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapping = {
        let (stop, run) = (Arc::clone(&stop), run.clone());
        std::thread::spawn(move || {
            let mut swaps = 0_u32;
            while !stop.load(Relaxed) {
                let dir = rustix::fs::CWD;
                rustix::fs::renameat_with(dir, run.join("swap"), dir, run.join("trap"), rustix::fs::RenameFlags::EXCHANGE).unwrap();
                swaps += 1;
            }
            swaps
        })
    };
    let gate = gate();
    let (mut inside, mut refused) = (0, 0);
    for _ in 0..4_000 {
        match text(&gate, &run, "swap/secret.txt", false).await.as_deref() {
            Ok("inside") => inside += 1,
            Ok(other) => panic!("it led to {other:?}"),
            Err(_) => refused += 1,
        }
    }
    stop.store(true, Relaxed);
    let swaps = swapping.join().unwrap();
    assert!(inside > 0 && refused > 0 && swaps > 100, "{inside} read, {refused} refused, {swaps} swaps");
}

#[tokio::test]
async fn windows_are_of_the_size_asked_for() {
    let (_base, run) = run_directory();
    let gate = gate();
    // Sparse: five gigabytes that occupy no disk space.
    let big = fs::File::create(run.join("big.log")).unwrap();
    big.set_len(5 << 30).unwrap();
    big.write_all_at(b"end\n", (5 << 30) - 4).unwrap();
    let end = gate.slice(&reach(&run), Path::new("big.log"), ByteRange::End(10)).await.unwrap();
    assert_eq!((end.facts.size, end.from, end.bytes.as_slice()), (5 << 30, (5 << 30) - 10, b"\0\0\0\0\0\0end\n".as_slice()));
    let middle = gate.slice(&reach(&run), Path::new("big.log"), ByteRange::From(2 << 30, 1000)).await.unwrap();
    assert_eq!(middle.bytes.len(), 1000);
    let past = gate.slice(&reach(&run), Path::new("big.log"), ByteRange::From(6 << 30, 1000)).await.unwrap();
    assert!(past.bytes.is_empty());
    let whole = gate.slice(&reach(&run), Path::new("a.txt"), ByteRange::End(1000)).await.unwrap();
    assert_eq!((whole.from, whole.bytes.as_slice()), (0, b"inside".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_end_is_asked_by_many_and_the_others_are_read() {
    let (_base, run) = run_directory();
    fs::File::create(run.join("hollow.log")).unwrap().set_len(10 << 40).unwrap();
    let (gate, reach) = (gate(), reach(&run));

    let asked = (0..33).map(|_| gate.line(&reach, Path::new("hollow.log"), 1_000_000_000_000));
    let answers = timeout(Duration::from_mins(1), futures::future::join_all(asked)).await.expect("each question takes a moment");

    assert!(answers.iter().all(|answer| matches!(answer, Ok(None) | Err(NoFile::Busy))), "{answers:?}");
    assert_eq!(text(&gate, &run, "a.txt", false).await.as_deref(), Ok("inside"));
}

#[tokio::test]
async fn beyond_the_end_of_a_file_is_nothing_however_far() {
    let (_base, run) = run_directory();
    let gate = gate();
    for from in [6, 7, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        let window = gate.slice(&reach(&run), Path::new("a.txt"), ByteRange::From(from, 4096)).await.unwrap();
        assert_eq!((window.from, window.bytes.len()), (6, 0), "{from}");
        assert_eq!(gate.count(&reach(&run), Path::new("a.txt"), from).await, Ok(Some(0)));
        assert_eq!(gate.line(&reach(&run), Path::new("a.txt"), from).await, Ok(Some(0)));
        let hits = gate
            .find(&reach(&run), Path::new("a.txt"), Look { wanted: Wanted::Words("inside".into()), from, encoding: None })
            .await
            .unwrap();
        assert_eq!((hits.hits.len(), hits.next), (0, None));
    }
}

/// A lab's tree with a run of ana, files of ben, and references; and a gate that lets each read their own files and the references.
fn shared() -> (tempfile::TempDir, RunFiles) {
    let base = tempfile::tempdir().unwrap();
    for dir in ["lab/ana/run", "lab/ben", "ref"] {
        fs::create_dir_all(base.path().join(dir)).unwrap();
    }
    for (file, text) in [("lab/ana/run/a.txt", "inside"), ("lab/ana/far.txt", "inside"), ("lab/ben/b.txt", SECRET), ("ref/g.fa", "inside")]
    {
        fs::write(base.path().join(file), text).unwrap();
    }
    let given = vec![base.path().join("lab/{user}"), base.path().join("ref")];
    (base, RunFiles::new(Roots { mapped: None, given }, Guard::default(), "/bin/false".into(), store::clock::system()))
}

fn given(account: &str, directory: PathBuf, beneath: bool) -> Reach {
    Reach { directory: Some(directory), extent: FileReach::Roots, account: account.into(), beneath }
}

async fn read(gate: &RunFiles, reach: &Reach, path: impl AsRef<Path>) -> Result<String, NoFile> {
    let window = gate.slice(reach, path.as_ref(), ByteRange::From(0, 4096)).await?;
    Ok(String::from_utf8_lossy(&window.bytes).into_owned())
}

#[tokio::test]
async fn a_reader_with_roots_reads_beneath_them_and_no_link_leads_to_somebody_else() {
    let (base, gate) = shared();
    let (base, run) = (base.path(), base.path().join("lab/ana/run"));
    for (name, to) in [
        ("near", base.join("lab/ana/far.txt")),
        ("ref", base.join("ref")),
        ("his", base.join("lab/ben/b.txt")),
        ("him", "../../ben".into()),
        ("top", base.to_owned()),
        ("root", "/".into()),
    ] {
        symlink(to, run.join(name)).unwrap();
    }
    let ana = given("ana", run.clone(), false);

    for path in ["a.txt", "near", "ref/g.fa", "../far.txt"] {
        assert_eq!(read(&gate, &ana, path).await.as_deref(), Ok("inside"), "{path}");
    }
    assert_eq!(read(&gate, &ana, base.join("ref/g.fa")).await.as_deref(), Ok("inside"));
    let his = format!("{}/lab/ben/b.txt", base.display());
    for path in ["his", "him/b.txt", "top/lab/ben/b.txt", &format!("root{his}"), "../../ben/b.txt", &his] {
        for reach in [ana.clone(), given("ana", run.clone(), true), given("ana", base.join("lab"), false), given("ana", "/".into(), true)] {
            let found = read(&gate, &reach, path).await;
            assert!(found.is_err(), "{path} from {:?}: {found:?}", reach.directory);
        }
    }
    for way in ["him", "top", "root", ".."] {
        assert!(gate.list(&ana, Path::new(way), None).await.is_err(), "{way}");
    }
    assert!(gate.list(&ana, Path::new(""), None).await.is_ok());
    assert_eq!(read(&gate, &given("ben", run, false), "a.txt").await, Err(NoFile::NotGiven), "her run, read by him");
}

#[tokio::test]
async fn a_directory_that_a_client_names_gives_no_right() {
    let gate = gate();
    for directory in ["/", "/etc", "/root", "/proc"] {
        for path in ["etc/shadow", "shadow", "passwd", "etc/passwd", "/etc/passwd", "/etc/hostname", "self/environ"] {
            for beneath in [true, false] {
                let found = read(&gate, &given("ana", directory.into(), beneath), path).await;
                assert!(matches!(found, Err(NoFile::NotGiven | NoFile::Outside)), "{path} in {directory}: {found:?}");
            }
        }
    }
    assert!(!gate.shows(&given("ana", "/".into(), false)));
}

#[tokio::test]
async fn what_holds_keys_is_shown_to_nobody_by_any_way() {
    let base = tempfile::tempdir().unwrap();
    let (data, home, run) = (base.path().join("data"), base.path().join("home"), base.path().join("run"));
    let kept = [
        data.join("journal/1.log"),
        data.join("postgres/PG_VERSION"),
        home.join(".ssh/config"),
        home.join(".config/flowo/config.toml"),
        home.join(".pgpass"),
        run.join(".env"),
        run.join(".env.local"),
    ];
    for file in &kept {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, SECRET).unwrap();
    }
    symlink(&data, run.join("data")).unwrap();
    symlink(&home, run.join("home")).unwrap();
    symlink(home.join(".ssh"), run.join("keys")).unwrap();
    for (at, file) in kept.iter().enumerate() {
        symlink(file, run.join(format!("link-{at}"))).unwrap();
    }
    // A second name of the same file.
    fs::hard_link(home.join(".pgpass"), run.join("hard-file")).unwrap();
    fs::hard_link(data.join("journal/1.log"), run.join("hard-deep")).unwrap();
    // A guarded directory was moved: its name has changed, but not its inode number.
    let moved = base.path().join("moved");
    let gate = RunFiles::new(Roots::default(), Guard::new(vec![data.clone()], Some(&home)), "/bin/false".into(), store::clock::system());
    let named = Reach { beneath: false, ..reach(&run) };
    let wide = reach(base.path());

    for file in &kept {
        assert_eq!(read(&gate, &named, file).await, Err(NoFile::Secret), "{}", file.display());
        let way = file.strip_prefix(base.path()).unwrap();
        assert_eq!(read(&gate, &wide, way).await, Err(NoFile::Secret), "{}", way.display());
        let other = Path::new("run/..").join(way);
        assert_eq!(read(&gate, &wide, &other).await, Err(NoFile::Secret), "{}", other.display());
    }
    let links = (0..kept.len()).map(|at| format!("link-{at}"));
    let more = ["data/journal/1.log", "home/.ssh/config", "keys/config", "home/./.pgpass", "hard-file", "hard-deep"].map(str::to_owned);
    for path in links.chain(more) {
        assert_eq!(read(&gate, &named, &path).await, Err(NoFile::Secret), "{path}");
    }
    for dir in ["data", "data/journal", "home/.ssh", "home/.config/flowo"] {
        let found = gate.list(&wide, Path::new(dir), None).await;
        assert_eq!(found, Err(NoFile::Secret), "{dir}");
    }
    fs::rename(&data, &moved).unwrap();
    symlink(&moved, &data).unwrap();
    assert_eq!(read(&gate, &named, moved.join("journal/1.log")).await, Err(NoFile::Secret), "by the inode number of its directory");
    fs::write(run.join("a.txt"), "inside").unwrap();
    assert_eq!(read(&gate, &named, "a.txt").await.as_deref(), Ok("inside"));
}

#[tokio::test]
async fn a_large_directory_is_listed_window_by_window_and_says_what_it_leaves_out() {
    let base = tempfile::tempdir().unwrap();
    for n in 0..1_240 {
        fs::write(base.path().join(format!("file-{n:04}")), "").unwrap();
    }
    for n in 0..20 {
        fs::create_dir(base.path().join(format!("sub-{n:02}"))).unwrap();
    }
    fs::write(base.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "").unwrap();
    let (gate, reach) = (gate(), reach(base.path()));

    let (mut names, mut from) = (Vec::new(), None);
    loop {
        let found = gate.list(&reach, Path::new(""), from).await.unwrap();
        assert!(!found.is_unread);
        assert_eq!(found.nameless, 1);
        names.extend(found.entries.into_iter().map(|entry| entry.name));
        assert_eq!(names.len() as u64 + found.more, 1_260);
        from = found.next;
        if from.is_none() {
            break;
        }
    }

    let all = (0..20).map(|n| format!("sub-{n:02}")).chain((0..1_240).map(|n| format!("file-{n:04}")));
    assert_eq!(names, all.collect::<Vec<_>>());
    let within = gate.list(&reach, Path::new(""), Some("sub-18/".into())).await.unwrap();
    assert_eq!((within.entries[0].name.as_str(), within.entries[2].name.as_str()), ("sub-18", "file-0000"));
}
