from django.urls import path

from toguna.engines.ledger.office import costs, suspense, views

urlpatterns = [
    path("book/", views.home, name="desk-book"),
    path("book/accounts", views.accounts, name="desk-accounts"),
    path("book/accounts/<slug:code>", views.account, name="desk-account"),
    path("book/journal", views.journal, name="desk-journal"),
    path("book/entries/<int:pk>", views.entry, name="desk-book-entry"),
    path("book/bills/<slug:reference>", views.bill, name="desk-bill"),
    path("book/payers/<int:pk>", views.payer, name="desk-payer"),
    path("book/wishes/", views.wishes, name="desk-wishes"),
    path("book/wishes/<int:pk>", views.wish, name="desk-wish"),
    path("book/periods", views.periods, name="desk-periods"),
    path("book/costs", costs.page, name="desk-costs"),
    path("book/export/<slug:kind>", views.export, name="desk-book-export"),
    path("suspense/", suspense.waiting, name="desk-suspense"),
    path("suspense/<int:pk>", suspense.item, name="desk-suspense-item"),
]
