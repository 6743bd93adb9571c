// A flowod for the tests, with a home, a data directory and a PostgreSQL that nobody else uses.
//
// Knows nothing of pages and browsers; clients.ts has the clients.
// Environment: FLOWOD (the binary), FLOWO_SITE_DIR (the built pages), FLOWO_PG_BIN (optional).

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** The first start creates a PostgreSQL cluster, which may take long on a busy machine (ms). */
const START = 120_000;
const STOP = 60_000;

/** Variables of the caller's environment that would change what a test sees. */
const DECIDED_HERE =
  /^(FLOWO_(HOST|USER_TOKEN|WORKING_PATH|LISTEN|DATA_DIR|HEARTBEAT_.*|QUIET_.*)|PORT|DATABASE_URL|POSTGRES_.*|PG.*|SNAKEMAKE_.*|PYTHON.*|XDG_.*|HOME)$/;

/** The caller's environment as it would be for a user whose home is `home`. */
export function environment(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !DECIDED_HERE.test(name));
  return {
    // The tools that flowod may need are in the caller's cache, not in that of `home`.
    FLOWO_CACHE: cache(),
    ...Object.fromEntries(kept),
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, '.config'),
    XDG_DATA_HOME: path.join(home, '.local/share'),
    XDG_STATE_HOME: path.join(home, '.local/state'),
    XDG_CACHE_HOME: path.join(home, '.cache'),
  };
}

/** The directory of the project's tools. */
export function cache(): string {
  return process.env.FLOWO_CACHE ?? path.join(os.homedir(), '.cache/flowo');
}

/** Waits for `promise`, for at most `ms`. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`not within ${ms / 1000} s: ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A run in the public API; only the fields that tests use. */
export interface Run {
  id: string;
  name: string;
  status: string;
  attempt: number;
  jobs: { total: number; success: number; failed: number };
}

/** A server on a free loopback port. It keeps its port, its home and its data across restarts. */
export class Lab {
  readonly home: string;
  readonly data: string;
  url = '';
  token = '';
  signInLink = '';

  private readonly base: string;
  private readonly logFile: string;
  private listen = '127.0.0.1:0';
  private process: ChildProcess | undefined;

  private constructor() {
    // PostgreSQL may run as another user, who must be able to reach its directory.
    this.base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'flowo-')));
    fs.chmodSync(this.base, 0o755);
    this.home = path.join(this.base, 'home');
    this.data = path.join(this.base, 'data');
    this.logFile = path.join(this.base, 'flowod.log');
    fs.mkdirSync(this.home);
  }

  static async open(): Promise<Lab> {
    const lab = new Lab();
    try {
      await lab.start();
    } catch (error) {
      await lab.destroy();
      throw error;
    }
    return lab;
  }

  /** Starts the server and reads the three lines that it prints. */
  async start(): Promise<void> {
    const log = fs.openSync(this.logFile, 'a');
    const server = spawn(required('FLOWOD'), ['--listen', this.listen, '--data-dir', this.data, '--site-dir', required('FLOWO_SITE_DIR')], {
      cwd: this.home,
      env: environment(this.home),
      stdio: ['ignore', 'pipe', log],
    });
    fs.closeSync(log);
    this.process = server;
    const lines: string[] = [];
    const three = new Promise<void>((done, fail) => {
      createInterface({ input: server.stdout! }).on('line', (line) => {
        lines.push(line);
        if (lines.length === 3) done();
      });
      server.once('error', fail);
      server.once('exit', (status, signal) => fail(new Error(`flowod ended with ${status ?? signal}:\n${this.log()}`)));
    });
    await within(START, 'the three lines of a started server', three);
    this.url = found(lines[0], /^Flowo \S+ is ready at (http:\/\/\S+)$/);
    this.signInLink = found(lines[1], /^Sign in: (http:\/\/\S+\/sign-in\?key=\S+)$/);
    this.listen = new URL(this.url).host;
    this.token = found(fs.readFileSync(path.join(this.home, '.config/flowo/config.toml'), 'utf8'), /^FLOWO_USER_TOKEN = "(\S+)"$/m);
  }

  /** Asks the server to stop; it must end cleanly and leave nothing running. */
  async stop(): Promise<void> {
    const server = this.process!;
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGTERM');
      await within(STOP, 'the end of flowod', once(server, 'exit'));
    }
    const left = this.postmasters();
    if (server.exitCode !== 0 || left.length > 0) {
      throw new Error(`flowod ended with ${server.exitCode ?? server.signalCode} and left ${left}:\n${this.log()}`);
    }
  }

  /** Kills the server in the middle of its work. Its PostgreSQL keeps running. */
  async kill(): Promise<void> {
    const server = this.process!;
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGKILL');
      await within(STOP, 'the end of a killed flowod', once(server, 'exit'));
    }
  }

  /** Removes every trace, whatever state a failed test has left. */
  async destroy(): Promise<void> {
    if (this.process) await this.kill();
    for (const file of this.postmasters()) {
      try {
        process.kill(Number(fs.readFileSync(file, 'utf8').split('\n')[0]), 'SIGQUIT');
      } catch {
        // It has ended in the meantime.
      }
    }
    fs.rmSync(this.base, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  /** The end of the server's log. */
  log(): string {
    return fs.existsSync(this.logFile) ? fs.readFileSync(this.logFile, 'utf8').slice(-8000) : '';
  }

  /** An unused sign-in link. */
  async link(): Promise<string> {
    const { stdout } = await run(required('FLOWOD'), ['link', '--listen', this.listen, '--data-dir', this.data], {
      cwd: this.home,
      env: environment(this.home),
      timeout: START,
    });
    return stdout.trim();
  }

  /** Generates one very large run through ingest; returns its path. */
  async big(jobs: number, rules: number, samples: number): Promise<string> {
    const size = ['--big', `${jobs}`, '--rules', `${rules}`, '--samples', `${samples}`];
    const { stdout } = await run(required('FLOWOD'), ['demo', '--data-dir', this.data, ...size], { cwd: this.home, env: environment(this.home), timeout: 15 * START });
    return found(stdout, /(\/runs\/\S+)/);
  }

  /** Runs SQL as somebody at a prompt would, through the private socket; returns the output. */
  async sql(text: string): Promise<string> {
    const connection = ['-h', path.join(this.data, 'run'), '-U', 'flowo', '-d', 'flowo'];
    const args = ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', ...connection, '-c', text];
    const { stdout } = await run(psql(), args, { env: environment(this.home), timeout: STOP });
    return stdout.trim();
  }

  /** Removes all runs, so that a test starts with an empty database. */
  async clear(): Promise<void> {
    await this.sql('DELETE FROM workflow_runs');
  }

  /** Reads from the public API. */
  async read<T>(address: string): Promise<T> {
    const answer = await fetch(`${this.url}/api/flowo/v1${address}`, { headers: { Authorization: `Bearer ${this.token}` } });
    if (!answer.ok) throw new Error(`GET ${address}: ${answer.status} ${await answer.text()}`);
    return answer.json() as Promise<T>;
  }

  /** The runs with that name, oldest first. */
  async runs(name: string): Promise<Run[]> {
    const { items } = await this.read<{ items: Run[] }>('/runs?limit=200&sort=started:asc');
    return items.filter((one) => one.name === name);
  }

  private postmasters(): string[] {
    const root = path.join(this.data, 'pg');
    const versions = fs.existsSync(root) ? fs.readdirSync(root) : [];
    return versions.map((version) => path.join(root, version, 'postmaster.pid')).filter((file) => fs.existsSync(file));
  }
}

const run = promisify(execFile);

function psql(): string {
  const beside = process.env.FLOWO_PG_BIN && path.join(process.env.FLOWO_PG_BIN, 'psql');
  return beside && fs.existsSync(beside) ? beside : 'psql';
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; \`cargo xtask test --only browser\` sets it`);
  return value;
}

function found(text: string | undefined, pattern: RegExp): string {
  const match = pattern.exec(text ?? '');
  if (!match) throw new Error(`${JSON.stringify(text)} is not ${pattern}`);
  return match[1];
}
