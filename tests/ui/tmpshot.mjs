import {chromium} from 'playwright-core'; import {readFile,mkdir} from 'node:fs/promises';
const axe=await readFile(new URL('node_modules/axe-core/axe.min.js',import.meta.url),'utf8');
const out='/tmp/stub/shots';await mkdir(out,{recursive:true});
const b=await chromium.launch({executablePath:'/usr/bin/chromium',args:['--no-sandbox','--disable-gpu','--disable-quic','--no-first-run','--disable-background-networking','--disable-component-update','--disable-sync']});
const only=process.argv[2]&&process.argv[2]!=='all'?process.argv[2].split(','):undefined;
const list=[['fresh',''],['install',''],['choose',''],['choose','existing'],['calm',''],['pending','diff'],['busy',''],['first',''],['conflict',''],['error',''],['retry',''],['confirm',''],['broken',''],['calm','history'],['calm','pulls'],['calm','settings'],['pending','prform'],['calm','disconnect'],['viewer',''],['conflict','edit'],['calm','expired'],['choose','createfail']];
for(const [kind,what] of list){ if(only&&!only.includes(kind+(what?'-'+what:'')))continue;
 for(const scheme of ['light','dark'])for(const width of [360,1280]){ if(process.argv[3]&&process.argv[3]!==`${scheme}-${width}`)continue;
  const c=await b.newContext({viewport:{width,height:900},colorScheme:scheme,bypassCSP:false}); const p=await c.newPage();
  p.on('console',m=>['error','warning'].includes(m.type())&&console.log(kind,what,m.type(),m.text())); p.on('pageerror',e=>console.log(kind,what,'ERR',e.message));
  const tab={history:'history',pulls:'pulls',settings:'settings',disconnect:'settings'}[what]??'overview';
  await p.goto(`http://localhost:9099/panel/${kind}-site#session=${what==='expired'?'X':'T'}&tab=${tab}`); await p.waitForTimeout(700);
  if(what==='existing')await p.getByText('Use existing').click();
  if(what==='diff'){await p.getByRole('button',{name:/Changed src/}).first().click();}
  if(what==='history'){await p.getByRole('button',{name:/Details of Update src/}).first().click();await p.getByRole('button',{name:'View changes'}).click();}
  if(what==='prform')await p.getByRole('button',{name:'Create pull request'}).click();
  if(what==='disconnect')await p.getByRole('button',{name:'Disconnect…'}).click();
  if(what==='edit')await p.getByRole('button',{name:'Edit merged'}).click();
  if(what==='createfail'){await p.locator('#name').fill('website2');await p.getByRole('button',{name:'Create repository'}).click();}
  await p.waitForTimeout(300);
  const ov=await p.evaluate(()=>document.documentElement.scrollWidth-innerWidth); if(ov>0)console.log(kind,what,width,'OVERFLOW',ov);
  await p.screenshot({path:`${out}/${kind}${what?'-'+what:''}-${scheme}-${width}.png`,fullPage:!['prform','disconnect'].includes(what)});
  const c2=await p.context().newCDPSession(p);await c2.send('Page.setBypassCSP',{enabled:true});
  await p.evaluate(axe); const r=await p.evaluate(()=>axe.run(document,{resultTypes:['violations']}));
  for(const v of r.violations)console.log(kind,what,scheme,width,'AXE',v.id,v.nodes.slice(0,3).map(n=>n.target.flat().join(' ')+' :: '+n.failureSummary.split('\n')[1]).join(' | '));
  await c.close(); } }
await b.close();
