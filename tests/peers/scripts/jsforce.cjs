// jsforce, as its documentation uses it, against the org that stdin names. Prints what it saw as one JSON line.
const { readFileSync } = require('node:fs')
const jsforce = require('jsforce')

const told = JSON.parse(readFileSync(0, 'utf8'))

async function signedIn () {
  const { base_url: loginUrl, consumer_key: clientId, consumer_secret: clientSecret } = told.credentials
  const conn = new jsforce.Connection({ oauth2: { clientId, clientSecret, loginUrl }, loginUrl, version: told.version })
  if (told.sign_in === 'password') await conn.login(told.credentials.username, told.credentials.password + told.credentials.security_token)
  else await conn.authorize({ grant_type: 'client_credentials' })
  return conn
}

const reason = async (promise) => {
  try { await promise; return null } catch (error) { return error.errorCode || error.name }
}

const jobs = {
  async reading (conn) {
    const tasks = await conn.query('SELECT Id FROM Task', { autoFetch: true, maxFetch: 1000000 })
    const related = await conn.query('SELECT Id, Account.Name, (SELECT Id FROM Account.Contacts) FROM Contact LIMIT 1').catch(() => null)
    const contact = (await conn.query('SELECT Id, Name, Account.Name FROM Contact WHERE AccountId != null ORDER BY Name LIMIT 1')).records[0]
    const children = (await conn.query('SELECT Id, (SELECT Id FROM Contacts) FROM Account ORDER BY Id')).records
    const found = await conn.sobject('Lead').find({ Status: 'New' }, ['Id', 'Company']).limit(250).execute()
    const grouped = (await conn.query('SELECT Status, COUNT(Id) leads FROM Lead GROUP BY Status')).records
    const deleted = await conn.query('SELECT Id FROM Lead WHERE IsDeleted = true', { scanAll: true })
    const account = await conn.sobject('Account').describe()
    return {
      tasks: tasks.records.map(row => row.Id),
      refused: related === null,
      account_name: contact.Account.Name,
      contact: contact.Id,
      children: Object.fromEntries(children.map(row => [row.Id, row.Contacts ? row.Contacts.records.map(each => each.Id) : []])),
      new_leads: found.map(row => row.Id),
      grouped: Object.fromEntries(grouped.map(row => [row.Status, row.leads])),
      deleted: deleted.records.map(row => row.Id),
      objects: (await conn.describeGlobal()).sobjects.map(each => each.name),
      owner_of_account: account.fields.find(each => each.name === 'OwnerId').referenceTo,
      daily: (await conn.limits()).DailyApiRequests,
      searched: (await conn.search(`FIND {${told.name}} IN NAME FIELDS RETURNING Lead(Id, LastName)`)).searchRecords.map(each => each.Id),
      unknown_field: await reason(conn.query('SELECT Foo FROM Lead')),
      newest_version: (await conn.request('/services/data')).at(-1).version
    }
  },

  async changes (conn) {
    const [start, end] = told.between.map(each => new Date(each * 1000))
    const updated = await conn.sobject('Lead').updated(start, end)
    const deleted = await conn.sobject('Lead').deleted(start, end)
    return { updated: updated.ids, deleted: deleted.deletedRecords.map(each => each.id) }
  },

  async writing (conn) {
    const leads = (await conn.query('SELECT Id FROM Lead ORDER BY Id LIMIT 250')).records
    const rows = leads.map((lead, i) => ({ Id: lead.Id, Leadline_Score__c: i % 100, Leadline_Group__c: i === 7 ? 'nope' : 'nurture' }))
    const updated = await conn.sobject('Lead').update(rows, { headers: { 'Sforce-Auto-Assign': 'FALSE' }, allowRecursive: true })
    const created = await conn.sobject('Lead').create({ LastName: 'Peer', Company: 'Peers' })
    const kept = await conn.sobject('Lead').retrieve(created.id)
    const task = { Leadline_Key__c: 'peer/1', Subject: 'Call' }
    const first = await conn.sobject('Task').upsert(task, 'Leadline_Key__c')
    const again = await conn.sobject('Task').upsert([{ ...task, Subject: 'Call again' }, { Leadline_Key__c: 'peer/2', Subject: 'Two' }], 'Leadline_Key__c', { allowRecursive: true })
    const gone = await conn.sobject('Lead').destroy(created.id)
    return {
      leads: leads.map(each => each.Id),
      succeeded: updated.map(each => each.success),
      refusal: updated[7].errors[0],
      created: created.id,
      last_name: kept.LastName,
      upserted: [first, ...again],
      destroyed: gone.success,
      after: await reason(conn.sobject('Lead').retrieve(created.id))
    }
  },

  async bulk (conn) {
    conn.bulk2.pollInterval = 20
    conn.bulk2.pollTimeout = 60000
    const stream = await conn.bulk2.query('SELECT Id, Name, Title FROM Contact')
    const read = await stream.toArray()
    const input = read.map((row, i) => ({ Id: row.Id, Leadline_Score__c: i % 100, Leadline_Group__c: i === 3 ? 'nope' : 'nurture' }))
    const ended = await conn.bulk2.loadAndWaitForResults({ object: 'Contact', operation: 'update', input, pollInterval: 20, pollTimeout: 60000 })
    return {
      read: read.map(row => row.Id),
      names: Object.fromEntries(read.map(row => [row.Id, row.Name])),
      written: ended.successfulResults.map(row => row.sf__Id),
      failed: ended.failedResults.map(row => [row.sf__Id, row.sf__Error]),
      unprocessed: ended.unprocessedRecords
    }
  },

  async enrolment (conn) {
    const cadence = (await conn.query("SELECT Id FROM ActionCadence WHERE State = 'Active' ORDER BY Name LIMIT 1")).records[0].Id
    const inputs = told.people.map(targetId => ({ salesCadenceNameOrId: cadence, targetId }))
    const answers = await conn.requestPost(`/services/data/v${told.version}/actions/standard/assignTargetToSalesCadence`, { inputs })
    const trackers = await conn.query(`SELECT TargetId, State FROM ActionCadenceTracker WHERE ActionCadenceId = '${cadence}'`)
    return { answers: answers.map(each => each.isSuccess), trackers: trackers.records.map(each => each.TargetId) }
  }
}

signedIn().then(jobs[told.job]).then(
  answer => console.log(JSON.stringify(answer)),
  error => { console.error(error); process.exitCode = 1 }
)
