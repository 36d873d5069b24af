// Runs one of a script's scenarios: node SCRIPT SCENARIO. What it returns is printed as JSON.
'use strict';

function runScenario(scenarios) {
    const scenario = scenarios[process.argv[2]];
    if (!scenario) throw new Error(`no scenario "${process.argv[2]}"; there are: ${Object.keys(scenarios).join(', ')}`);
    scenario().then(
        (result) => console.log(JSON.stringify(result ?? null)),
        (error) => {
            console.error(error);
            process.exitCode = 1;
        },
    );
}

module.exports = { runScenario };
