// Counts what agrees and says what does not.

export class Report {
  passed = 0;
  failed = 0;

  async check(name, body) {
    try {
      await body();
      this.passed += 1;
    } catch (error) {
      this.failed += 1;
      console.error(`FAIL ${name}\n  ${String(error.message ?? error).replaceAll("\n", "\n  ")}`);
    }
  }

  close() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exitCode = this.failed ? 1 : 0;
  }
}
