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

  async linking () {
    const { contact, company, other } = told
    const v4 = client.crm.associations.v4
    const input = (to) => ({ _from: { id: contact }, to: { id: to }, types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 279 }] })
    const made = await v4.batchApi.create('contacts', 'companies', { inputs: [input(company), input(other)] })
    const page = await v4.basicApi.getPage('contacts', contact, 'companies')
    await v4.batchApi.archive('contacts', 'companies', { inputs: [{ _from: { id: contact }, to: [{ id: other }] }] })
    const after = await v4.basicApi.getPage('contacts', contact, 'companies')
    const labels = await v4.schema.definitionsApi.getAll('contacts', 'companies')
    return {
      made: made.results.length,
      linked: page.results.map(each => String(each.toObjectId)),
      left: after.results.map(each => String(each.toObjectId)),
      labels: labels.results.map(each => each.label)
    }
  },

  async lists () {
    const api = client.crm.lists
    const made = (await api.listsApi.create({ name: 'Peers', objectTypeId: '0-1', processingType: 'MANUAL' })).list
    const added = await api.membershipsApi.add(made.listId, told.contacts)
    const again = await api.membershipsApi.add(made.listId, told.contacts)
    const members = await api.membershipsApi.getPage(made.listId)
    const of = await api.membershipsApi.getLists('0-1', told.contacts[0])
    const found = await api.listsApi.doSearch({ query: 'Peers', additionalProperties: [], offset: 0, count: 5 })
    const full = await api.listsApi.doSearch({ query: 'Customers', additionalProperties: [], offset: 0, count: 5 })
    return {
      id: made.listId,
      added: [added, again].map(each => (each.recordsIdsAdded || each.recordIdsAdded || []).length),
      members: members.results.map(each => each.recordId),
      of: of.results.map(each => each.listId),
      found: found.lists.map(each => each.name),
      dynamic: await reason(api.membershipsApi.add(full.lists[0].listId, told.contacts))
    }
  },

  async enrolment () {
    const ask = async (path, more) => (await client.apiRequest({ path, ...more })).json()
    const sequences = (await ask(`/automation/v4/sequences?userId=${told.user}`)).results
    const body = { sequenceId: sequences[0].id, contactId: told.contact, senderEmail: told.sender }
    const enrolled = await ask(`/automation/v4/sequences/enrollments?userId=${told.user}`, { method: 'POST', body })
    const seen = await ask(`/automation/v4/sequences/enrollments/contact/${told.contact}`)
    return { sequences: sequences.map(each => each.name), enrolled: String(enrolled.id), seen: String(seen.id) }
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
