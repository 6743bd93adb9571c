// The clients of the server: a real Snakemake, and single reports as its plugin sends them.
//
// Environment: SNAKEMAKE (else the newest that the project has installed for its own tests).

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cache, environment, type Lab, within } from './lab';

/** Longer than any workflow here takes (ms). */
const RUN = 60_000;
const WORKFLOWS = fileURLToPath(new URL('../conformance/flowo/workflows', import.meta.url));

function program(): string {
  if (process.env.SNAKEMAKE) return process.env.SNAKEMAKE;
  const tools = path.join(cache(), 'tools');
  const installed = fs.readdirSync(tools).filter((name) => name.startsWith('snakemake-'));
  const newest = installed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).pop();
  if (!newest) throw new Error(`no Snakemake in ${tools}; \`cargo xtask test --only conformance\` installs it`);
  return path.join(tools, newest, 'bin/snakemake');
}

/** A workflow directory of the conformance tests, copied to where it can run. */
export class Workspace {
  readonly directory: string;
  private readonly started: Snakemake[] = [];

  constructor(
    private readonly lab: Lab,
    workflow: string,
  ) {
    this.directory = fs.mkdtempSync(path.join(lab.home, `${workflow}-`));
    fs.cpSync(path.join(WORKFLOWS, workflow), this.directory, { recursive: true });
  }

  /** Starts Snakemake here. Address and token come from the home of the server's user. */
  snakemake(name: string, ...args: string[]): Snakemake {
    return this.start(['--logger', 'flowo', '--logger-flowo-name', name, ...args]);
  }

  /** Starts Snakemake here with Panoptes' plugin, which is given an address and a name. */
  withPanoptes(name: string, ...args: string[]): Snakemake {
    const address = this.lab.url.replace('://', `://lab:${this.lab.token}@`);
    return this.start(['--logger', 'panoptes', '--logger-panoptes-address', address, '--logger-panoptes-workflow-id', name, ...args]);
  }

  private start(args: string[]): Snakemake {
    const snakemake = new Snakemake(this.lab, this.directory, args);
    this.started.push(snakemake);
    return snakemake;
  }

  write(file: string, text: string): void {
    fs.writeFileSync(path.join(this.directory, file), text);
  }

  text(file: string): string {
    return fs.readFileSync(path.join(this.directory, file), 'utf8');
  }

  /** Ends everything that is still running here. */
  async end(): Promise<void> {
    await Promise.all(this.started.map((one) => one.end()));
  }
}

/** A running Snakemake that reports through a plugin. */
export class Snakemake {
  private readonly process: ChildProcess;
  private readonly ended: Promise<number | null>;
  private readonly console: string;

  constructor(lab: Lab, directory: string, args: string[]) {
    this.console = path.join(directory, 'console.txt');
    const output = fs.openSync(this.console, 'a');
    const home = environment(lab.home);
    const snakemake = program();
    this.process = spawn(snakemake, ['--cores', '1', ...args], {
      cwd: directory,
      env: { ...home, PATH: `${path.dirname(snakemake)}${path.delimiter}${home.PATH}` },
      stdio: ['ignore', output, output],
      // A process group of its own, so that `end` also finds the jobs of a killed Snakemake.
      detached: true,
    });
    fs.closeSync(output);
    this.ended = once(this.process, 'exit').then(([status]) => status as number | null);
  }

  /** Waits for the end; the exit status must be `status`. */
  async done(status = 0): Promise<void> {
    const ended = await within(RUN, 'the end of Snakemake', this.ended);
    if (ended !== status) throw new Error(`Snakemake ended with ${ended}:\n${fs.readFileSync(this.console, 'utf8')}`);
  }

  async end(): Promise<void> {
    try {
      process.kill(-this.process.pid!, 'SIGKILL');
    } catch {
      // All have ended.
    }
    await within(RUN, 'the end of a killed Snakemake', this.ended);
  }
}

/** The properties of a reported run. */
export interface RunProperties {
  /** Planned jobs, by rule. */
  planned?: Record<string, number>;
  tags?: string[];
  /** Runs in one directory are attempts at the same workflow. */
  directory?: string;
  /** The edges of the rule graph: a rule, and one that needs it. */
  graph?: [string, string][];
}

/** The properties of a reported job, in addition to its rule and wildcards. */
export interface JobProperties {
  input?: string[];
  output?: string[];
  log?: string[];
  shellcmd?: string;
}

/** A run made of single reports, sent as the plugin sends them. Each report is stored when the call returns. */
export class ReportedRun {
  readonly id = randomUUID();
  readonly path = `/runs/${this.id}`;
  private jobs = 0;

  private constructor(
    private readonly lab: Lab,
    readonly name: string,
    private readonly properties: RunProperties,
  ) {}

  static async begin(lab: Lab, name: string, properties: RunProperties = {}): Promise<ReportedRun> {
    const run = new ReportedRun(lab, name, properties);
    const planned = properties.planned ?? {};
    const rules = Object.keys(planned).map((rule) => ({ name: rule, code: `${rule} {input} > {output}`, language: 'bash' }));
    await run.report('workflow_started', { workflow_id: run.id, snakefile: `${run.directory}/Snakefile`, rules });
    if (properties.graph) await run.report('rulegraph', { rulegraph: graph(properties.graph) });
    await run.report('run_info', { stats: planned });
    return run;
  }

  private get directory(): string {
    return this.properties.directory ?? `/data/${this.id}`;
  }

  /** Starts a job; returns its number. */
  async job(rule: string, wildcards: Record<string, string> = {}, properties: JobProperties = {}): Promise<number> {
    this.jobs += 1;
    await this.report('job_started', { job_ids: [this.jobs] });
    await this.report('job_info', { job_id: this.jobs, rule_name: rule, threads: 1, wildcards, input: [], output: [], shellcmd: `run ${rule}`, ...properties });
    return this.jobs;
  }

  async finish(job: number): Promise<void> {
    await this.report('job_finished', { job_id: job });
  }

  async fail(job: number, why = 'RuleException'): Promise<void> {
    await this.report('job_error', { job_id: job });
    await this.report('error', { exception: why, rule: null, location: null, traceback: null });
  }

  async close(): Promise<void> {
    await this.post(`close?workflow_id=${this.id}`);
  }

  private async report(event: string, record: object): Promise<void> {
    const context = {
      current_workflow_id: event === 'workflow_started' ? null : this.id,
      dryrun: false,
      jobs: {},
      logfile: `${this.directory}/flowo_logs/${this.id}.log`,
      flowo_project_name: this.name,
      flowo_tags: this.properties.tags ?? [],
      workdir: this.directory,
      configfiles: [],
    };
    await this.post('', { event, record, context });
  }

  private async post(call: string, body?: object): Promise<void> {
    const answer = await fetch(`${this.lab.url}/api/v1/reports/${call}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${this.lab.token}`, 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the report was answered with ${answer.status}: ${await answer.text()}`);
  }
}

/** A rule graph in the plugin's form. */
function graph(edges: [string, string][]): object {
  const names = [...new Set(edges.flat())];
  const links = edges.map(([from, to]) => ({ source: names.indexOf(from), target: names.indexOf(to), sourcerule: from, targetrule: to }));
  return { nodes: names.map((rule) => ({ rule })), links };
}
