// mailauth, once it is told to (see benchmarks/side.py):
//   node mailauth.js spf|dmarc DOMAINS ADDRESS:PORT COUNT    SPF, or SPF and DMARC, of 240.0.0.1, 100 at once
//   node mailauth.js dkim MESSAGE RECORD NAME TIMES          one message, its key at hand
const fs = require('fs');
const { Resolver } = require('dns').promises;

const AT_ONCE = 100;

async function domains(what, path, where, count) {
    const { spf } = require('mailauth/lib/spf');
    const { dmarc } = require('mailauth/lib/dmarc');
    const asked = new Resolver({ timeout: 3000, tries: 2 });
    asked.setServers([where]);
    const resolver = (name, type) => asked.resolve(name, type);

    async function judge(domain) {
        const found = await spf({ sender: `postmaster@${domain}`, ip: '240.0.0.1', helo: `mail.${domain}`, mta: 'mx.example', resolver });
        if (what === 'dmarc') {
            await dmarc({ headerFrom: [domain], spfDomains: [], dkimDomains: [], arcResult: {}, resolver });
        }
        return found.status ? found.status.result : 'none';
    }

    async function all(names) {
        const counts = {};
        const left = names[Symbol.iterator]();
        const some = async () => {
            for (const name of left) {
                const result = await judge(name).catch(() => 'an exception');
                counts[result] = (counts[result] || 0) + 1;
            }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, some));
        return counts;
    }

    const names = fs.readFileSync(path, 'ascii').trim().split('\n').slice(0, +count);
    await all(['ns.example']);
    return () => all(names);
}

async function dkim(path, record, name, times) {
    const { dkimVerify } = require('mailauth/lib/dkim/verify');
    const message = fs.readFileSync(path);
    const resolver = async asked => {
        if (asked === name) {
            return [[record]];
        }
        throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    };
    const once = async () => (await dkimVerify(message, { resolver })).results[0].status.result;
    await once();
    return async () => {
        let result;
        for (let time = 0; time < +times; time++) {
            result = await once();
        }
        return result;
    };
}

(async () => {
    const [what, ...rest] = process.argv.slice(2);
    const work = what === 'dkim' ? await dkim(...rest) : await domains(what, ...rest);
    console.log('ready');
    process.stdin.once('data', async () => {
        console.log(JSON.stringify(await work()));
        process.exit();
    });
})();
