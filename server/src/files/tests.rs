//! The gate against every way around it: names, links, encodings, and directories that move. Real files, no routes.

use super::*;
use std::{
    fs,
    os::unix::fs::{FileExt as _, symlink},
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

const SECRET: &str = "SECRET";

/// A run's directory beside a secret, with every kind of file and link in it.
fn lab() -> (tempfile::TempDir, PathBuf) {
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

/// A gate that looks into no file.
fn gate() -> Gate {
    Gate::new(Roots::default(), "/bin/false".into())
}

fn reach(run: &Path) -> Reach {
    Reach { directory: Some(run.to_owned()), owner: true, beneath: true }
}

async fn text(gate: &Gate, run: &Path, path: impl AsRef<Path>, named: bool) -> Result<String, NoFile> {
    let window = gate.window(&Reach { beneath: !named, ..reach(run) }, path.as_ref(), Part::From(0, 4096)).await?;
    Ok(String::from_utf8_lossy(&window.bytes).into_owned())
}

#[tokio::test]
async fn files_and_links_that_stay_inside_are_read() {
    let (_base, run) = lab();
    let gate = gate();
    for path in ["a.txt", "./out/../a.txt", "out//b.txt", "link-in", "out/deep/up-in", "abs-in"] {
        assert_eq!(text(&gate, &run, path, false).await.as_deref(), Ok("inside"), "{path}");
    }
    assert_eq!(text(&gate, &run, run.join("a.txt"), false).await.as_deref(), Ok("inside"));
}

#[tokio::test]
async fn everything_else_says_what_it_is() {
    let (base, run) = lab();
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

    // The run's own words lead further, but not to the kernel.
    assert_eq!(text(&gate, &run, base.path().join("secret.txt"), true).await.as_deref(), Ok(SECRET));
    for path in ["/proc/self/environ", "/proc/self/cmdline", "/dev/zero", "/dev/null", "/sys/kernel/uevent_seqnum", "proc/environ"] {
        assert_eq!(text(&gate, &run, path, true).await, Err(NoFile::Special), "{path}");
    }
}

#[tokio::test]
async fn no_way_of_saying_it_leads_out() {
    let (base, run) = lab();
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
    let (base, run) = lab();
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
    let (_base, run) = lab();
    let gate = gate();
    // Sparse: five gigabytes that take no disk.
    let big = fs::File::create(run.join("big.log")).unwrap();
    big.set_len(5 << 30).unwrap();
    big.write_all_at(b"end\n", (5 << 30) - 4).unwrap();
    let end = gate.window(&reach(&run), Path::new("big.log"), Part::End(10)).await.unwrap();
    assert_eq!((end.facts.size, end.from, end.bytes.as_slice()), (5 << 30, (5 << 30) - 10, b"\0\0\0\0\0\0end\n".as_slice()));
    let middle = gate.window(&reach(&run), Path::new("big.log"), Part::From(2 << 30, 1000)).await.unwrap();
    assert_eq!(middle.bytes.len(), 1000);
    let past = gate.window(&reach(&run), Path::new("big.log"), Part::From(6 << 30, 1000)).await.unwrap();
    assert!(past.bytes.is_empty());
    let whole = gate.window(&reach(&run), Path::new("a.txt"), Part::End(1000)).await.unwrap();
    assert_eq!((whole.from, whole.bytes.as_slice()), (0, b"inside".as_slice()));
}
