// HubSpot's own client for Node, as its documentation uses it, against the portal that stdin names.
const { readFileSync } = require('node:fs')
const { Client } = require('@hubspot/api-client')

const told = JSON.parse(readFileSync(0, 'utf8'))
const client = new Client({ accessToken: told.credentials.access_token, basePath: told.credentials.base_url, numberOfApiCallRetries: 2 })

const reason = async (promise) => {
  try { await promise; return null } catch (error) { return [error.code, error.body && error.body.category] }
}

const jobs = {
  async reading () {
    const contacts = await client.crm.contacts.getAll(100, undefined, ['email', 'source_id'], undefined, ['companies'])
    const half = contacts[Math.floor(contacts.length / 2)].id
    const found = []
    let after = '0'
    while (after) {
      const page = await client.crm.contacts.searchApi.doSearch({
        filterGroups: [{ filters: [{ propertyName: 'hs_object_id', operator: 'GT', value: half }] }],
        sorts: ['hs_object_id'], properties: ['email'], limit: 50, after, query: ''
      })
      found.push(...page.results.map(each => each.id))
      after = page.paging && page.paging.next && page.paging.next.after
    }
    const linked = await client.crm.associations.v4.batchApi.getPage('contacts', 'companies', { inputs: contacts.slice(0, 50).map(each => ({ id: each.id })) })
    const owners = await client.crm.owners.ownersApi.getPage()
    const properties = await client.crm.properties.coreApi.getAll('contacts')
    const schemas = await client.crm.schemas.coreApi.getAll()
    const pipelines = await client.crm.pipelines.pipelinesApi.getAll('deals')
    return {
      contacts: contacts.map(each => each.id),
      sources: Object.fromEntries(contacts.map(each => [each.id, each.properties.source_id])),
      half,
      found,
      linked: Object.fromEntries(linked.results.map(each => [each._from.id, each.to.map(to => to.toObjectId)])),
      owners: owners.results.map(each => each.email),
      properties: properties.results.map(each => each.name),
      schemas: schemas.results.map(each => each.fullyQualifiedName),
      stages: pipelines.results[0].stages.length,
      missing: await reason(client.crm.contacts.basicApi.getById('1'))
    }
  },

  async writing () {
    const [one, two] = told.contacts
    const answered = await client.crm.contacts.batchApi.update({
      inputs: [
        { id: one, properties: { leadline_score: '5' }, objectWriteTraceId: 'a' },
        { id: two, properties: { no_such_property: '5' }, objectWriteTraceId: 'b' }
      ]
    })
    const task = (id, subject) => ({ inputs: [{ id, idProperty: 'leadline_key', properties: { hs_timestamp: '2026-01-01T00:00:00Z', hs_task_subject: subject } }] })
    const first = await client.crm.objects.batchApi.upsert('tasks', task('peer/1', 'Call'))
    const second = await client.crm.objects.batchApi.upsert('tasks', task('peer/1', 'Call again'))
    const made = await client.crm.contacts.basicApi.create({ properties: { email: 'peer@peers.example' }, associations: [] })
    const twice = await reason(client.crm.contacts.basicApi.create({ properties: { email: 'peer@peers.example' }, associations: [] }))
    await client.crm.associations.v4.basicApi.createDefault('contacts', made.id, 'companies', told.company)
    await client.crm.contacts.basicApi.archive(made.id)
    return {
      written: answered.results.map(each => each.id),
      errors: answered.numErrors,
      tasks: [first.results[0].id, second.results[0].id],
      fresh: [first.results[0]._new, second.results[0]._new],
      made: made.id,
      twice,
      archived: await reason(client.crm.contacts.basicApi.getById(made.id))
    }
  },

  async tokens () {
    const { client_id: id, client_secret: secret, refresh_token: refresh } = told.oauth
    const token = await client.oauth.tokensApi.create('refresh_token', undefined, undefined, id, secret, refresh)
    client.setAccessToken(token.accessToken)
    const page = await client.crm.contacts.basicApi.getPage(1)
    return { expires: token.expiresIn, contacts: page.results.length }
  }
}

jobs[told.job]().then(
  answer => console.log(JSON.stringify(answer)),
  error => { console.error(error); process.exitCode = 1 }
)
