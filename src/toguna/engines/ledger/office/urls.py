from django.urls import path

from toguna.engines.ledger.office import views

urlpatterns = [
    path("", views.home, name="desk-book"),
    path("accounts", views.accounts, name="desk-accounts"),
    path("accounts/<slug:code>", views.account, name="desk-account"),
    path("journal", views.journal, name="desk-journal"),
    path("entries/<int:pk>", views.entry, name="desk-book-entry"),
    path("bills/<slug:reference>", views.bill, name="desk-bill"),
    path("payers/<int:pk>", views.payer, name="desk-payer"),
    path("wishes/", views.wishes, name="desk-wishes"),
    path("wishes/<int:pk>", views.wish, name="desk-wish"),
    path("periods", views.periods, name="desk-periods"),
    path("export/<slug:kind>", views.export, name="desk-book-export"),
]
