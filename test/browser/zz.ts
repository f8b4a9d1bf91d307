import { launch } from './chromium.ts';
const b=await launch();
for (const [i,f] of process.argv.slice(2).entries()) { const p=await b.newPage({viewport:{width:1400,height:900}, colorScheme: i%2?'dark':'light'});
p.on('console', m => console.log('console', m.text())); p.on('pageerror', e => console.log('ERR', e));
await p.goto('file://'+f); await p.waitForSelector('html[data-ready]',{timeout:5000}).catch(()=>console.log('no data'));await p.waitForTimeout(400); await p.screenshot({path:`/tmp/z${i}.png`,fullPage:true}); 
if (await p.locator('#timeline').count()) await p.locator('#timeline').screenshot({path:`/tmp/z${i}t.png`}); }
await b.close();
